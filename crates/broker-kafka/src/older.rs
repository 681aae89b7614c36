//! Reading single records, or one stream's, from a place that this process has passed, or never read.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use broker::Error;
use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList, consumer::Consumer as _, message::BorrowedMessage,
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use crate::{
    client::Consumer,
    connections::Connections,
    error::{from_kafka, is_of_connection},
    message::Message,
    streams::KEY,
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
///
/// When a worker or a gateway is gone, many streams of a few partitions are asked for at once. So who reads a partition reads for
/// all that wait for it.
pub(crate) struct Older {
    config: ClientConfig,
    connections: Connections,
    room: Semaphore,
    idle: Mutex<Vec<Consumer>>,
    waiting: Mutex<HashMap<Partition, Vec<Wish>>>,
}

/// A topic, and a partition of it.
type Partition = (Arc<str>, i32);

/// A range that somebody waits for.
struct Wish {
    range: Range,
    found: Vec<Message>,
    /// When the first record was written that was read for it.
    begin: Option<SystemTime>,
    answer: oneshot::Sender<Vec<Message>>,
}

impl Range {
    /// One record.
    pub(crate) fn one(topic: &Arc<str>, partition: i32, offset: i64) -> Self {
        Self { topic: Arc::clone(topic), partition, key: None, from: offset, until: offset + 1 }
    }

    fn place(&self) -> Partition {
        (Arc::clone(&self.topic), self.partition)
    }
}

impl Wish {
    /// Looks at the next record of the partition. Whether that was the last of interest.
    fn take(&mut self, message: &BorrowedMessage<'_>) -> bool {
        let Range { key, from, until, .. } = &self.range;
        if message.offset() < *from {
            return false;
        }
        let is_over = message.offset() + 1 >= *until;
        if message.offset() >= *until {
            return true;
        }
        if key.as_ref().is_none_or(|key| message.key() == Some(key)) {
            self.found.push(Message::read(message));
        } else if self.found.is_empty() {
            let at = Message::at(message);
            return is_over || at > *self.begin.get_or_insert(at) + CREATED_WITHIN;
        }
        is_over
    }

    fn end(self) {
        // Whoever waited may have gone.
        drop(self.answer.send(self.found));
    }
}

impl Older {
    pub(crate) fn new(config: ClientConfig, connections: Connections) -> Self {
        let (room, waiting) = (Semaphore::new(AT_A_TIME), Mutex::default());
        Self { config, connections, room, idle: Mutex::default(), waiting }
    }

    /// The records of a range, in order. Cancel safe.
    pub(crate) async fn read(&self, range: &Range) -> Result<Vec<Message>, Error> {
        loop {
            let (answer, mut found) = oneshot::channel();
            let wish = Wish { range: range.clone(), found: Vec::new(), begin: None, answer };
            self.waiting.lock().entry(range.place()).or_default().push(wish);
            tokio::select! {
                // Somebody else has read it.
                Ok(found) = &mut found => return Ok(found),
                place = self.room.acquire() => {
                    let _place = place.map_err(Error::unavailable)?;
                    let wishes = self.next_wishes(range);
                    self.pass(range, wishes).await?;
                }
            }
            // Not found: who has read for this one gave up, or what waits before it was read first.
            if let Ok(found) = found.try_recv() {
                return Ok(found);
            }
        }
    }

    /// Of those that wait for a partition, those who want to read from the earliest place on, or from what is read then. The
    /// others wait for the next.
    fn next_wishes(&self, range: &Range) -> Vec<Wish> {
        let mut all = self.waiting.lock();
        let Some(waiting) = all.remove(&range.place()) else { return Vec::new() };
        let mut waiting: Vec<_> = waiting.into_iter().filter(|wish| !wish.answer.is_closed()).collect();
        waiting.sort_by_key(|wish| wish.range.from);
        let mut until = i64::MIN;
        let mut overlaps = |wish: &Wish| {
            let overlaps = until == i64::MIN || wish.range.from <= until;
            until = until.max(wish.range.until);
            overlaps
        };
        let count = waiting.iter().take_while(|wish| overlaps(wish)).count();
        let rest = waiting.split_off(count);
        if !rest.is_empty() {
            all.insert(range.place(), rest);
        }
        waiting
    }

    async fn pass(&self, range: &Range, mut wishes: Vec<Wish>) -> Result<(), Error> {
        let Some(from) = wishes.first().map(|wish| wish.range.from) else { return Ok(()) };
        let idle = self.idle.lock().pop();
        let consumer = match idle {
            Some(consumer) => consumer,
            None => {
                let made = self.config.create_with_context(self.connections.clone());
                known_to(made.map_err(from_kafka)?, PATIENCE).await?
            }
        };
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&range.topic, range.partition, Offset::Offset(from)).map_err(from_kafka)?;
        consumer.assign(&list).map_err(from_kafka)?;
        // One that did not answer in time is not asked again.
        let collected = timeout(PATIENCE, collect(&consumer, range, from, &mut wishes)).await;
        collected.map_err(|_| Error::unavailable("kafka does not deliver what it has"))??;
        consumer.unassign().map_err(from_kafka)?;
        self.idle.lock().push(consumer);
        Ok(())
    }
}

/// Reads the partition of `range` from `from` on until all wishes are fulfilled.
async fn collect(consumer: &Consumer, range: &Range, from: i64, wishes: &mut Vec<Wish>) -> Result<(), Error> {
    while !wishes.is_empty() {
        let message = match consumer.recv().await {
            Ok(message) => message,
            // It connects again by itself.
            Err(error) if is_of_connection(&error) => continue,
            Err(error) => return Err(from_kafka(error)),
        };
        // What the last reading had fetched too much of.
        if message.topic() != &*range.topic
            || message.partition() != range.partition
            || message.offset() < from
        {
            continue;
        }
        for wish in wishes.extract_if(.., |wish| wish.take(&message)) {
            wish.end();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
