//! Reading what is older than what this process has followed: one stream's entries, from where it may begin.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use broker::Error;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList, consumer::Consumer as _};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    client::Consumer, connections::Connections, error::from_kafka, message::Message, streams::KEY,
    topics::known_to,
};

/// How much later than the making of its id a stream is created at most: a gateway that finds an idempotency key without a
/// stream completes it within a minute or two. A name that somebody made up costs the reading of so much of the partition, and no
/// more.
const CREATED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// How long a reading takes at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to look, and for what.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) partition: i32,
    pub(crate) key: [u8; KEY],
    pub(crate) from: i64,
    /// Not this one any more: there is a record at the offset before.
    pub(crate) until: i64,
}

/// A consumer for that, made when it is needed first. One reading at a time.
pub(crate) struct Older {
    topic: Arc<str>,
    config: ClientConfig,
    connections: Connections,
    consumer: Mutex<Option<Consumer>>,
}

impl Older {
    pub(crate) fn new(topic: &Arc<str>, config: ClientConfig, connections: Connections) -> Self {
        Self { topic: Arc::clone(topic), config, connections, consumer: Mutex::default() }
    }

    /// The entries of one stream in a range, in order.
    pub(crate) async fn read(&self, range: &Range) -> Result<Vec<Message>, Error> {
        let mut kept = self.consumer.lock().await;
        let consumer = match kept.take() {
            Some(consumer) => consumer,
            None => {
                let made = self.config.create_with_context(self.connections.clone());
                known_to(made.map_err(from_kafka)?, PATIENCE).await?
            }
        };
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, range.partition, Offset::Offset(range.from))
            .map_err(from_kafka)?;
        consumer.assign(&list).map_err(from_kafka)?;
        // One that did not answer in time is not asked again.
        let found = timeout(PATIENCE, collect(&consumer, range)).await;
        let found = found.map_err(|_| Error::unavailable("kafka does not deliver what it has"))??;
        consumer.unassign().map_err(from_kafka)?;
        *kept = Some(consumer);
        Ok(found)
    }
}

async fn collect(consumer: &Consumer, range: &Range) -> Result<Vec<Message>, Error> {
    let mut found = Vec::new();
    let mut begin: Option<SystemTime> = None;
    loop {
        let message = consumer.recv().await.map_err(from_kafka)?;
        // What the last reading had fetched too much of.
        if message.partition() != range.partition || message.offset() < range.from {
            continue;
        }
        if message.offset() < range.until && message.key() == Some(&range.key[..]) {
            found.push(Message::read(&message));
        } else if found.is_empty() {
            let at = Message::at(&message);
            if at > *begin.get_or_insert(at) + CREATED_WITHIN {
                return Ok(found);
            }
        }
        if message.offset() + 1 >= range.until {
            return Ok(found);
        }
    }
}
