//! Reading single records, or one stream's, from a place that this process has passed, or never read.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use broker::Error;
use parking_lot::Mutex;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList, consumer::Consumer as _};
use tokio::{sync::Semaphore, time::timeout};

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

/// How many readings there are at a time; those beyond it wait for one to end. Each has a consumer, with threads and
/// connections of its own.
const AT_A_TIME: usize = 4;

/// Where to look, and for what.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    /// Only the entries of this stream.
    pub(crate) key: Option<[u8; KEY]>,
    pub(crate) from: i64,
    /// Not this one any more: there is a record at the offset before.
    pub(crate) until: i64,
}

/// Consumers for that, made when they are needed first.
pub(crate) struct Older {
    config: ClientConfig,
    connections: Connections,
    room: Semaphore,
    idle: Mutex<Vec<Consumer>>,
}

impl Range {
    /// One record.
    pub(crate) fn one(topic: &Arc<str>, partition: i32, offset: i64) -> Self {
        Self { topic: Arc::clone(topic), partition, key: None, from: offset, until: offset + 1 }
    }

    fn has(&self, message: &impl rdkafka::Message) -> bool {
        message.offset() < self.until && self.key.as_ref().is_none_or(|key| message.key() == Some(key))
    }
}

impl Older {
    pub(crate) fn new(config: ClientConfig, connections: Connections) -> Self {
        Self { config, connections, room: Semaphore::new(AT_A_TIME), idle: Mutex::default() }
    }

    /// The records of a range, in order.
    pub(crate) async fn read(&self, range: &Range) -> Result<Vec<Message>, Error> {
        let _place = self.room.acquire().await.map_err(Error::unavailable)?;
        let idle = self.idle.lock().pop();
        let consumer = match idle {
            Some(consumer) => consumer,
            None => {
                let made = self.config.create_with_context(self.connections.clone());
                known_to(made.map_err(from_kafka)?, PATIENCE).await?
            }
        };
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&range.topic, range.partition, Offset::Offset(range.from))
            .map_err(from_kafka)?;
        consumer.assign(&list).map_err(from_kafka)?;
        // One that did not answer in time is not asked again.
        let found = timeout(PATIENCE, collect(&consumer, range)).await;
        let found = found.map_err(|_| Error::unavailable("kafka does not deliver what it has"))??;
        consumer.unassign().map_err(from_kafka)?;
        self.idle.lock().push(consumer);
        Ok(found)
    }
}

async fn collect(consumer: &Consumer, range: &Range) -> Result<Vec<Message>, Error> {
    let mut found = Vec::new();
    let mut begin: Option<SystemTime> = None;
    loop {
        let message = consumer.recv().await.map_err(from_kafka)?;
        // What the last reading had fetched too much of.
        if message.topic() != &*range.topic
            || message.partition() != range.partition
            || message.offset() < range.from
        {
            continue;
        }
        if range.has(&message) {
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
