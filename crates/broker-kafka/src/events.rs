//! The topic of events: asking for something, and learning what came of it.
//!
//! ```text
//!   ask ─▶ entry ─▶ its partition in Kafka ─▶ this process's own tail ─▶ state ─▶ answer
//! ```
//!
//! An entry says what somebody asks for. Whether it is granted is decided by its place in the partition, and learnt where
//! it is read, by everyone alike: that is how a log that takes everything fences a late writer.

use std::sync::Arc;

use broker::{Error, Listener, Listening};
use prost::Message as _;
use proto::kafka::{Ask, Entry};
use stream::ResponseId;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{
    Config,
    life::{Answer, Life},
    message::Message,
    older::{Older, Range},
    requests::Place,
    streams::{Entered, Shared, Streams, key_of},
    tails::{Start, Tail, Tails},
    writer::Writer,
};

/// The topic of events, in this process.
pub(crate) struct Events {
    pub(crate) topic: Arc<str>,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) homes: Vec<u16>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) tails: Arc<Tails>,
    pub(crate) older: Arc<Older>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) tasks: TaskTracker,
    pub(crate) ended: CancellationToken,
    pub(crate) _guard: DropGuard,
    pub(crate) timeout: std::time::Duration,
}

/// One partition: its streams, and what follows it.
#[derive(Clone)]
pub(crate) struct Partition {
    pub(crate) streams: Arc<Streams>,
    pub(crate) tail: Arc<Tail>,
}

/// The partitions of a topic with so many of them.
pub(crate) fn partitions(
    topic: &Arc<str>,
    count: u16,
    homes: &[u16],
    shared: &Arc<Shared>,
    config: &Config,
) -> Vec<Partition> {
    let partition = |number| {
        let is_home = homes.contains(&number);
        let streams = Arc::new(Streams::new(topic, number, is_home, Arc::clone(shared), config));
        let tail = Tail::new(topic, number, Arc::clone(&streams) as _);
        Partition { streams, tail }
    };
    (0..count).map(partition).collect()
}

impl Events {
    /// Follows the home partitions.
    pub(crate) async fn follow_homes(&self) -> Result<(), Error> {
        for home in &self.homes {
            if let Some(partition) = self.partitions.get(usize::from(*home)) {
                self.tails.follow(&partition.tail, Start::End).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn new_id(&self) -> ResponseId {
        let id = ResponseId::random(0);
        // Any of them; and without a home, an id in a partition that is not followed, whose stream is never found.
        let home = (id.random_bits() as usize).checked_rem(self.homes.len()).and_then(|n| self.homes.get(n));
        let partition = home.and_then(|home| self.partitions.get(usize::from(*home)));
        partition.map_or(id, |partition| partition.streams.new_id())
    }

    /// Writes what is asked of a stream, and waits for what comes of it. `None` if no stream can have this id.
    pub(crate) async fn ask(&self, id: ResponseId, ask: Ask) -> Result<Option<Answer>, Error> {
        if self.ready(id).await?.is_none() {
            return Ok(None);
        }
        let key = key_of(id);
        let place = Place { topic: &self.topic, partition: id.partition().into(), key: &key };
        let entry = |process, request| Entry { process, request, ask: Some(ask) }.encode_to_vec();
        self.shared.requests.ask(&self.writer, &place, entry, self.timeout).await.map(Some)
    }

    /// What `look` sees of a stream, when this process has read all that was written before the call.
    pub(crate) async fn look<T>(
        &self,
        id: ResponseId,
        look: impl FnOnce(&Life) -> T + Send,
    ) -> Result<Option<T>, Error> {
        let Some(partition) = self.ready(id).await? else { return Ok(None) };
        self.tails.catch_up(&partition.tail).await?;
        Ok(partition.streams.look(id, look))
    }

    /// What `look` sees of a stream as far as this process has read.
    pub(crate) async fn glance<T>(
        &self,
        id: ResponseId,
        look: impl FnOnce(&Life) -> T + Send,
    ) -> Result<Option<T>, Error> {
        let Some(partition) = self.ready(id).await? else { return Ok(None) };
        Ok(partition.streams.look(id, look))
    }

    pub(crate) async fn listen(
        &self,
        id: ResponseId,
        listener: Arc<dyn Listener>,
    ) -> Result<Listening, Error> {
        let listening = match self.ready(id).await? {
            Some(partition) => {
                // What was written before is not news.
                self.tails.catch_up(&partition.tail).await?;
                partition.streams.listen(id, listener)
            }
            None => None,
        };
        listening.ok_or_else(|| Error::refused(format!("{id} is in no partition of this cluster")))
    }

    /// Makes sure that a stream's state is here, as of a place in its partition.
    async fn ready(&self, id: ResponseId) -> Result<Option<&Partition>, Error> {
        let Some(partition) = self.partitions.get(usize::from(id.partition())) else { return Ok(None) };
        self.tails.follow(&partition.tail, Start::End).await?;
        loop {
            match partition.streams.enter(id) {
                Entered::Ready => return Ok(Some(partition)),
                Entered::Read(range) => self.read_older(partition, id, range),
                Entered::BeingRead(mut failed) => {
                    // An error: it has ended, and not failed.
                    if failed.changed().await.is_ok() {
                        return Err(Error::unavailable("the stream's older records cannot be read"));
                    }
                }
            }
        }
    }

    /// Reads what is older than what was followed, in a task of its own: whoever asked first may give up waiting.
    fn read_older(&self, partition: &Partition, id: ResponseId, range: Range) {
        let (older, tails) = (Arc::clone(&self.older), Arc::clone(&self.tails));
        let Partition { streams, tail } = partition.clone();
        self.tasks.spawn(self.ended.clone().run_until_cancelled_owned(async move {
            let found = read(&older, &tails, &tail, range).await;
            let found = found.inspect_err(|error| {
                tracing::warn!(response = %id, %error, "failed to read a stream's older records");
            });
            tails.take_turn(move || streams.found(id, found.ok())).await;
        }));
    }
}

/// What there still is of a range.
pub(crate) async fn read(
    older: &Older,
    tails: &Tails,
    tail: &Tail,
    mut range: Range,
) -> Result<Vec<Message>, Error> {
    let (first, _) = tails.bounds(tail).await?;
    range.from = range.from.max(first);
    if range.from >= range.until { Ok(Vec::new()) } else { older.read(&range).await }
}
