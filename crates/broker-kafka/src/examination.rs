//! What an operator should know of a Kafka before it carries anything: `narthex doctor`.

use broker::{Error, Finding};
use rdkafka::metadata::{Metadata, MetadataTopic};
use tokio::time::Instant;

use crate::{
    Config, client,
    connections::Connections,
    topics::{self, Look, Topic},
    writer::Writer,
};

/// Looks at a Kafka, and changes nothing there: topics that are not there yet are made at the first start. Each of its few
/// questions has `response_timeout`.
///
/// # Errors
/// As [`connect`](crate::connect): when Kafka cannot be reached, or it and this process do not trust each other.
pub async fn examine(config: Config) -> Result<Vec<Finding>, Error> {
    let connections = Connections::new(&config);
    match look(&config, &connections).await {
        Ok(findings) => Ok(findings),
        Err(error) => Err(connections.explain(error).await),
    }
}

async fn look(config: &Config, connections: &Connections) -> Result<Vec<Finding>, Error> {
    let writer = Writer::new(client::common(config), connections.clone())?;
    let (asked, timeout) = (Instant::now(), config.response_timeout);
    let metadata = writer.ask(move |client| client.fetch_metadata(None, timeout)).await?;
    let nodes: Vec<_> =
        metadata.brokers().iter().map(|node| format!("{}:{}", node.host(), node.port())).collect();
    let seen = format!(
        "{} answers in {} ms; its nodes are {}",
        config.bootstrap_servers,
        asked.elapsed().as_millis(),
        nodes.join(", ")
    );
    let mut findings = vec![Finding::fine("kafka", seen)];
    let looker = Look::new(config, connections)?;
    for topic in topics::needed(config) {
        findings.push(examine_topic(&topic, &metadata, &looker).await?);
    }
    Ok(findings)
}

async fn examine_topic(topic: &Topic, metadata: &Metadata, look: &Look) -> Result<Finding, Error> {
    let about = format!("kafka topic {}", topic.name);
    let known = metadata.topics().iter().find(|known| known.name() == topic.name && known.error().is_none());
    let Some(known) = known else {
        return Ok(Finding::fine(about, "not there yet: the first process that starts makes it"));
    };
    match look.check(topic).await {
        Err(error) if error.is_retryable() => return Err(error),
        Err(Error::Refused(sentence)) => return Ok(Finding::problem(about, sentence.to_string())),
        Err(error) => return Ok(Finding::problem(about, error.to_string())),
        Ok(()) => {}
    }
    Ok(judge(about, &Copies::of(known), metadata.brokers().len()))
}

/// How often a topic is there.
struct Copies {
    partitions: usize,
    /// Without a leader.
    headless: usize,
    /// Of which not all copies are in sync.
    behind: usize,
    /// How many there are of each, at least.
    each: usize,
}

impl Copies {
    fn of(topic: &MetadataTopic) -> Self {
        let partitions = topic.partitions();
        Self {
            partitions: partitions.len(),
            headless: partitions.iter().filter(|partition| partition.leader() < 0).count(),
            behind: partitions
                .iter()
                .filter(|partition| partition.isr().len() < partition.replicas().len())
                .count(),
            each: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or_default(),
        }
    }
}

fn judge(about: String, copies: &Copies, nodes: usize) -> Finding {
    let Copies { partitions, headless, behind, each } = copies;
    let seen = format!("{partitions} partitions, {each} copies of each");
    if *headless > 0 {
        return Finding::problem(
            about,
            format!("{seen}, but {headless} have no leader: bring the nodes back that have them"),
        );
    }
    if *behind > 0 {
        return Finding::warning(
            about,
            format!("{seen}, but of {behind} not all are in sync: bring the other nodes back"),
        );
    }
    if *each < 2 && nodes > 1 {
        return Finding::warning(
            about,
            format!(
                "{seen} in a cluster of {nodes} nodes, so the loss of one stops it: reassign it with 3 copies"
            ),
        );
    }
    Finding::fine(about, seen)
}

#[cfg(test)]
mod tests;
