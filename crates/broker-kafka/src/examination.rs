//! What an operator should know of a Kafka before it carries anything: `narthex doctor`.

mod clock;

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
    if let Some(node) = metadata.brokers().first() {
        findings.push(version(looker.oldest_protocol(node.id()).await?));
    }
    let needed = topics::needed(config);
    for topic in &needed {
        findings.push(examine_topic(topic, &metadata, &looker).await?);
    }
    let [.., roster] = &needed;
    if metadata.topics().iter().any(|known| known.name() == roster.name && known.error().is_none()) {
        findings.push(clock::examine(config, connections, &roster.name).await?);
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
        Err(error) if error.is_retryable() => Err(error),
        Err(Error::Refused(sentence)) => Ok(Finding::problem(about, sentence.to_string())),
        Err(error) => Ok(Finding::problem(about, error.to_string())),
        Ok(in_sync) => Ok(judge(about, &Copies { in_sync, ..Copies::of(known) }, metadata.brokers().len())),
    }
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
    /// How many of them must be in sync for a record to be taken, if that may be read.
    in_sync: Option<usize>,
}

/// A node does not tell its version to clients, but those before 4 have a setting for the protocol that they speak among each other.
fn version(protocol: Option<String>) -> Finding {
    let about = "kafka version";
    match protocol {
        Some(old) => {
            Finding::problem(about, format!("{old}, which lacks what Narthex needs: run Kafka 4 or later"))
        }
        None => Finding::fine(about, "4 or later, as far as its settings may be read"),
    }
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
            in_sync: None,
            each: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or_default(),
        }
    }
}

fn judge(about: String, copies: &Copies, nodes: usize) -> Finding {
    let Copies { partitions, headless, behind, each, in_sync } = copies;
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
    match *in_sync {
        Some(needed) if needed > *each => Finding::problem(
            about,
            format!(
                "{seen}, but min.insync.replicas={needed}, so nothing can be written: lower it, or add copies"
            ),
        ),
        Some(1) if *each > 1 => Finding::warning(
            about,
            format!(
                "{seen}, and one of them is enough to take a record (min.insync.replicas=1), so what was accepted can be lost with one node: set it to 2"
            ),
        ),
        Some(needed) if needed == *each && *each > 1 => Finding::warning(
            about,
            format!(
                "{seen}, and all of them must be in sync (min.insync.replicas={needed}), so the loss of one node stops it: reassign it with {} copies",
                each + 1
            ),
        ),
        Some(needed) => Finding::fine(about, format!("{seen}, {needed} of which must be in sync")),
        None => Finding::fine(about, seen),
    }
}

#[cfg(test)]
mod tests;
