//! The topics: made if they are not there, and looked at if they are.

use std::{sync::Arc, time::Duration};

use broker::Error;
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    consumer::Consumer as _,
    types::RDKafkaErrorCode,
};
use tokio::time::{Instant, sleep};

use crate::{Config, client, client::Consumer, connections::Connections, error::from_kafka, writer::Writer};

/// How long announcements are kept. The roster is read from its beginning.
const ANNOUNCEMENTS_KEPT: Duration = Duration::from_secs(60 * 60);

/// How long dead jobs are kept.
pub(crate) const DEAD_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Lets a consumer learn what topics there are. One that meets a topic for the first time asks only a second later.
pub(crate) async fn known_to(consumer: Consumer, timeout: Duration) -> Result<Consumer, Error> {
    let asking =
        tokio::task::spawn_blocking(move || consumer.fetch_metadata(None, timeout).map(|_| consumer));
    asking.await.map_err(Error::unavailable)?.map_err(from_kafka)
}

/// A topic that is needed.
pub(crate) struct Topic {
    pub(crate) name: String,
    partitions: u16,
    settings: Vec<(&'static str, String)>,
}

/// The topics' names, and how many partitions they have.
pub(crate) struct Topics {
    pub(crate) events: (Arc<str>, u16),
    pub(crate) jobs: (Arc<str>, u16),
    pub(crate) dead: Arc<str>,
    pub(crate) roster: Arc<str>,
}

/// Makes sure that the topics are there and as they should be.
///
/// # Errors
/// When Kafka cannot be reached; or a topic is not there and may not be made, or is not as it should be: then the error
/// says what to type.
pub(crate) async fn prepare(
    config: &Config,
    writer: &Writer,
    connections: &Connections,
) -> Result<Topics, Error> {
    let [events, jobs, dead, roster] = needed(config);
    let preparing =
        Preparing { writer, look: Look::new(config, connections)?, replication: config.replication };
    let events = (events.name.as_str().into(), preparing.prepare(&events).await?);
    let jobs = (jobs.name.as_str().into(), preparing.prepare(&jobs).await?);
    preparing.prepare(&dead).await?;
    preparing.prepare(&roster).await?;
    Ok(Topics { events, jobs, dead: dead.name.into(), roster: roster.name.into() })
}

/// Events, jobs, dead jobs, and who is there.
pub(crate) fn needed(config: &Config) -> [Topic; 4] {
    [events(config), jobs(config), dead(config), roster(config)]
}

fn events(config: &Config) -> Topic {
    let (name, settings) =
        (format!("{}events", config.topic_prefix), carrying_settings(config, config.retention));
    Topic { name, partitions: config.partitions, settings }
}

fn jobs(config: &Config) -> Topic {
    let (name, settings) =
        (format!("{}jobs", config.topic_prefix), carrying_settings(config, config.retention));
    Topic { name, partitions: config.job_partitions, settings }
}

fn dead(config: &Config) -> Topic {
    let mut settings = carrying_settings(config, DEAD_KEPT);
    settings.push(("segment.ms", (DEAD_KEPT / 30).as_millis().to_string()));
    Topic { name: format!("{}jobs.dead", config.topic_prefix), partitions: 1, settings }
}

/// Of topics that carry what users say and models answer.
fn carrying_settings(config: &Config, retention: Duration) -> Vec<(&'static str, String)> {
    let mut settings = common_settings(retention);
    settings.push(("max.message.bytes", config.max_message_bytes.to_string()));
    settings
}

fn roster(config: &Config) -> Topic {
    let mut settings = common_settings(ANNOUNCEMENTS_KEPT);
    settings.push(("segment.ms", (ANNOUNCEMENTS_KEPT / 6).as_millis().to_string()));
    Topic { name: format!("{}roster", config.topic_prefix), partitions: 1, settings }
}

/// By the broker's clock leases and ends are judged, so records bear its time.
fn common_settings(retention: Duration) -> Vec<(&'static str, String)> {
    vec![
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", retention.as_millis().to_string()),
    ]
}

struct Preparing<'a> {
    writer: &'a Writer,
    look: Look,
    replication: u16,
}

/// Looks at the settings of topics.
pub(crate) struct Look {
    admin: AdminClient<Connections>,
    timeout: Duration,
}

impl Preparing<'_> {
    /// How many partitions the topic has.
    async fn prepare(&self, topic: &Topic) -> Result<u16, Error> {
        if let Some(partitions) = self.partitions(topic).await? {
            self.look.check(topic).await?;
            return Ok(partitions);
        }
        self.create(topic).await?;
        // Made by one node, known to all a moment later.
        let deadline = Instant::now() + self.look.timeout;
        while Instant::now() < deadline {
            if let Some(partitions) = self.partitions(topic).await? {
                return Ok(partitions);
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(Error::unavailable(format!("the topic {} was made, and is not there yet", topic.name)))
    }

    async fn partitions(&self, topic: &Topic) -> Result<Option<u16>, Error> {
        // Of all topics: who asks for one that is not there may have it made by that, with other settings.
        let timeout = self.look.timeout;
        let metadata = self.writer.ask(move |client| client.fetch_metadata(None, timeout)).await?;
        let known = metadata.topics().iter().find(|known| known.name() == topic.name);
        let known = known.filter(|known| known.error().is_none());
        // A partition without a leader cannot be used yet.
        let known = known.filter(|known| known.partitions().iter().all(|partition| partition.leader() >= 0));
        Ok(known.and_then(|known| known.partitions().len().try_into().ok()).filter(|count| *count > 0))
    }

    async fn create(&self, topic: &Topic) -> Result<(), Error> {
        let replication =
            TopicReplication::Fixed(if self.replication == 0 { -1 } else { self.replication.into() });
        let mut new = NewTopic::new(&topic.name, topic.partitions.into(), replication);
        for (name, value) in &topic.settings {
            new = new.set(name, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(self.look.timeout));
        let made = self.look.admin.create_topics([&new], &options).await.map_err(from_kafka)?;
        match made.into_iter().next() {
            Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
                let (name, command) = (&topic.name, topic.command(self.replication));
                Err(Error::refused(format!(
                    "the topic {name} cannot be made ({code}); make it with: {command}"
                )))
            }
            _ => Ok(()),
        }
    }
}

impl Look {
    pub(crate) fn new(config: &Config, connections: &Connections) -> Result<Self, Error> {
        let admin = client::common(config).create_with_context(connections.clone()).map_err(from_kafka)?;
        Ok(Self { admin, timeout: config.response_timeout })
    }

    /// What a node older than Kafka 4 says of its version; nothing of a newer one, or if it may not be asked.
    pub(crate) async fn oldest_protocol(&self, node: i32) -> Result<Option<String>, Error> {
        let options = AdminOptions::new().request_timeout(Some(self.timeout));
        let described = self.admin.describe_configs([&ResourceSpecifier::Broker(node)], &options).await;
        let Some(Ok(described)) = described.map_err(from_kafka)?.into_iter().next() else { return Ok(None) };
        Ok(described.get("inter.broker.protocol.version").and_then(|entry| entry.value.clone()))
    }

    /// Whether a topic that is there is as it should be. How many copies must be in sync for it to take a record, if that may be read.
    pub(crate) async fn check(&self, topic: &Topic) -> Result<Option<usize>, Error> {
        let options = AdminOptions::new().request_timeout(Some(self.timeout));
        let described = self.admin.describe_configs([&ResourceSpecifier::Topic(&topic.name)], &options).await;
        let Some(Ok(described)) = described.map_err(from_kafka)?.into_iter().next() else {
            tracing::warn!(topic = topic.name, "its settings may not be read: is its time the broker's?");
            return Ok(None);
        };
        let set = |name| described.get(name).and_then(|entry| entry.value.clone()).unwrap_or_default();
        let time = set("message.timestamp.type");
        if time != "LogAppendTime" {
            let name = &topic.name;
            return Err(Error::refused(format!(
                "the topic {name} has message.timestamp.type={time}; set it with: kafka-configs.sh --alter \
                 --entity-type topics --entity-name {name} --add-config message.timestamp.type=LogAppendTime"
            )));
        }
        Ok(set("min.insync.replicas").parse().ok())
    }
}

impl Topic {
    /// What an operator types to make it.
    fn command(&self, replication: u16) -> String {
        let Self { name, partitions, settings } = self;
        let mut command = format!("kafka-topics.sh --create --topic {name} --partitions {partitions}");
        if replication > 0 {
            command.push_str(&format!(" --replication-factor {replication}"));
        }
        for (name, value) in settings {
            command.push_str(&format!(" --config {name}={value}"));
        }
        command
    }
}
