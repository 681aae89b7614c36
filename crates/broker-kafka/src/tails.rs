//! Following partitions: one consumer and one task hand every new record of each followed partition to its sink, in order.
//!
//! Nothing but this task calls a sink with records, so a sink's state changes in the order of the log and in no other.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use broker::Error;
use futures_util::StreamExt as _;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _},
    error::KafkaError,
    message::BorrowedMessage,
};
use tokio::{
    sync::{Mutex, mpsc, watch},
    time::{Instant, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    client::Consumer,
    error::{from_kafka, is_moving, is_of_connection},
    message::Message,
    writer::Writer,
};

/// How often sinks tidy up.
const SWEEP: Duration = Duration::from_secs(1);

/// How long to wait for what moves from one node to another.
const MOVING: Duration = Duration::from_millis(50);

/// How many turns wait for the task at most; whoever has one more waits.
const TURNS: usize = 256;

/// What hears a partition's records. Called from the task: must be quick and not block.
pub(crate) trait Sink: Send + Sync {
    /// From here on.
    fn begin(&self, next: i64);

    /// The next record.
    fn take(&self, message: Message);

    /// Records before `next` are gone that were not heard of: they were kept for too short a time.
    fn lose(&self, next: i64);

    /// Once a second.
    fn sweep(&self);

    /// Whether somebody needs what is heard here, though nobody asked for the partition lately.
    fn is_needed(&self) -> bool;

    /// Where another process would begin to read, if it shall not begin at the beginning: to be committed.
    fn done_up_to(&self) -> Option<i64> {
        None
    }
}

/// One partition that is followed, or may be.
pub(crate) struct Tail {
    topic: Arc<str>,
    partition: i32,
    sink: Arc<dyn Sink>,
    /// The offset after the last record that the sink heard of; `None` until it is followed.
    position: watch::Sender<Option<i64>>,
    starting: Mutex<()>,
    /// When somebody asked for it last.
    asked: parking_lot::Mutex<Instant>,
    end: Mutex<Option<End>>,
    committed: AtomicI64,
}

/// Where a partition ended when somebody looked.
#[derive(Debug, Clone, Copy)]
struct End {
    asked: Instant,
    offset: i64,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the first record that there still is.
    Beginning,
    /// At the place that was committed last; where there is none, at the beginning.
    Committed,
    /// At what comes next.
    End,
}

/// Something to do between two records.
type Turn = Box<dyn FnOnce() + Send>;

/// All followed partitions.
pub(crate) struct Tails {
    consumer: Arc<Consumer>,
    writer: Arc<Writer>,
    by_topic: HashMap<Arc<str>, Vec<Arc<Tail>>>,
    turns: mpsc::Sender<Turn>,
    timeout: Duration,
    /// How long a partition is followed that nobody asks for.
    kept: Duration,
}

/// What the task does next.
enum Event<'a> {
    Read(Result<BorrowedMessage<'a>, KafkaError>),
    Turn(Turn),
    Sweep,
    End,
}

impl Tail {
    pub(crate) fn new(topic: &Arc<str>, partition: u16, sink: Arc<dyn Sink>) -> Arc<Self> {
        Arc::new(Self {
            topic: Arc::clone(topic),
            partition: partition.into(),
            sink,
            position: watch::Sender::new(None),
            starting: Mutex::default(),
            asked: parking_lot::Mutex::new(Instant::now()),
            end: Mutex::default(),
            committed: AtomicI64::new(-1),
        })
    }

    fn is_followed(&self) -> bool {
        self.position.borrow().is_some()
    }

    /// Notes that somebody asks for it; whether it is followed.
    pub(crate) fn is_asked_for(&self) -> bool {
        // Before the look: what is followed now is so for long enough to be used.
        *self.asked.lock() = Instant::now();
        self.is_followed()
    }

    fn hear(&self, message: Message) {
        let (offset, expected) = (message.offset, *self.position.borrow());
        if expected.is_none_or(|expected| offset < expected) {
            return;
        }
        if expected.is_some_and(|expected| offset > expected) {
            tracing::error!(topic = %self.topic, partition = self.partition, ?expected, offset, "records are missing");
            self.sink.lose(offset);
        }
        self.sink.take(message);
        self.position.send_replace(Some(offset + 1));
    }
}

impl Tails {
    /// What follows these partitions, and the task that does it, which ends with `ended`.
    pub(crate) fn new(
        consumer: Consumer,
        writer: Arc<Writer>,
        tails: &[Arc<Tail>],
        (timeout, kept): (Duration, Duration),
        ended: CancellationToken,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + 'static) {
        let mut by_topic: HashMap<_, Vec<_>> = HashMap::new();
        for tail in tails {
            by_topic.entry(Arc::clone(&tail.topic)).or_default().push(Arc::clone(tail));
        }
        let (turns, coming) = mpsc::channel(TURNS);
        let tails = Arc::new(Self { consumer: Arc::new(consumer), writer, by_topic, turns, timeout, kept });
        (Arc::clone(&tails), async move { tails.run(coming, ended).await })
    }

    async fn run(&self, mut turns: mpsc::Receiver<Turn>, ended: CancellationToken) {
        let mut messages = self.consumer.stream();
        let mut sweeps = interval(SWEEP);
        loop {
            // All of these are cancel safe.
            let event = tokio::select! {
                () = ended.cancelled() => Event::End,
                Some(turn) = turns.recv() => Event::Turn(turn),
                _ = sweeps.tick() => Event::Sweep,
                Some(message) = messages.next() => Event::Read(message),
            };
            match event {
                Event::Read(Ok(message)) => self.hear(&message),
                // Of its connections librdkafka tells by itself, and less often.
                Event::Read(Err(error)) if is_of_connection(&error) => tracing::debug!(%error, "cannot read"),
                Event::Read(Err(error)) => tracing::warn!(%error, "failed to read from kafka, trying again"),
                Event::Turn(turn) => turn(),
                Event::Sweep => self.sweep(),
                Event::End => return,
            }
            // Records that are there already do not count as waiting, and would keep all others from this thread.
            tokio::task::consume_budget().await;
        }
    }

    fn hear(&self, message: &BorrowedMessage<'_>) {
        let tail = self.by_topic.get(message.topic()).and_then(|tails| {
            usize::try_from(message.partition()).ok().and_then(|partition| tails.get(partition))
        });
        if let Some(tail) = tail {
            tail.hear(Message::read(message));
        }
    }

    fn sweep(&self) {
        let mut done = TopicPartitionList::new();
        for tail in self.by_topic.values().flatten().filter(|tail| tail.is_followed()) {
            tail.sink.sweep();
            if let Some(offset) = tail.sink.done_up_to()
                && tail.committed.swap(offset, Ordering::Relaxed) != offset
            {
                // Fails for a partition that is none, which a followed one is not.
                let _ = done.add_partition_offset(&tail.topic, tail.partition, Offset::Offset(offset));
            }
        }
        // What fails is committed with the next progress; until then another process reads more than it would have to.
        if done.count() > 0
            && let Err(error) = self.consumer.commit(&done, CommitMode::Async)
        {
            tracing::debug!(%error, "failed to commit");
        }
        for tail in self.by_topic.values().flatten().filter(|tail| tail.is_followed()) {
            self.leave_idle(tail);
        }
    }

    /// Follows a partition no more, if nobody needs it.
    fn leave_idle(&self, tail: &Tail) {
        // One that is about to be followed is needed.
        let Ok(_starting) = tail.starting.try_lock() else { return };
        // Held to the end: who asks meanwhile finds that it is not followed.
        let asked = tail.asked.lock();
        if asked.elapsed() < self.kept || tail.sink.is_needed() {
            return;
        }
        let mut list = TopicPartitionList::new();
        list.add_partition(&tail.topic, tail.partition);
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "failed to leave a partition");
            return;
        }
        tail.position.send_replace(None);
        // What it knew is of no use when the partition is followed again.
        tail.sink.begin(0);
    }

    /// The place that was committed last.
    async fn committed(&self, tail: &Tail) -> Result<i64, Error> {
        let deadline = Instant::now() + self.timeout;
        loop {
            let (consumer, timeout) = (Arc::clone(&self.consumer), self.timeout);
            let mut list = TopicPartitionList::new();
            list.add_partition(&tail.topic, tail.partition);
            let asking = tokio::task::spawn_blocking(move || consumer.committed_offsets(list, timeout));
            match asking.await.map_err(Error::unavailable)? {
                Ok(committed) => {
                    let offset = committed.elements().first().and_then(|element| element.offset().to_raw());
                    return Ok(offset.unwrap_or(0).max(0));
                }
                // Who keeps the commits of a group is made known a moment after there is one, or another one.
                Err(error) if is_moving(&error) && Instant::now() < deadline => sleep(MOVING).await,
                Err(error) => return Err(from_kafka(error)),
            }
        }
    }

    /// Does something between two records.
    pub(crate) async fn take_turn(&self, turn: impl FnOnce() + Send + 'static) {
        let _ = self.turns.send(Box::new(turn)).await;
    }

    /// Follows a partition from now on, if it is not followed already, as long as somebody needs it: until nobody has asked for
    /// it for a while, and its sink does not need it.
    pub(crate) async fn follow(&self, tail: &Tail, from: Start) -> Result<(), Error> {
        if tail.is_asked_for() {
            return Ok(());
        }
        let _starting = tail.starting.lock().await;
        if tail.is_followed() {
            return Ok(());
        }
        let (first, end) = self.bounds(tail).await?;
        let next = match from {
            Start::Beginning => first,
            Start::Committed => self.committed(tail).await?.clamp(first, end),
            Start::End => end,
        };
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&tail.topic, tail.partition, Offset::Offset(next)).map_err(from_kafka)?;
        tail.sink.begin(next);
        tail.position.send_replace(Some(next));
        self.consumer.incremental_assign(&list).map_err(|error| {
            tail.position.send_replace(None);
            from_kafka(error)
        })
    }

    /// Waits until the sink has heard all that was in the partition when this was called.
    pub(crate) async fn catch_up(&self, tail: &Tail) -> Result<(), Error> {
        let end = self.end(tail).await?;
        let mut position = tail.position.subscribe();
        while position.borrow_and_update().is_none_or(|position| position < end) {
            // There may be much to read. As long as something comes, more does.
            let changed = timeout(self.timeout, position.changed()).await;
            changed.map_err(|_| Error::unavailable("kafka does not deliver what it has"))?.ok();
        }
        Ok(())
    }

    /// Where the partition ends, found out after this was called. Those who ask at the same time share one question.
    async fn end(&self, tail: &Tail) -> Result<i64, Error> {
        let called = Instant::now();
        let mut end = tail.end.lock().await;
        if let Some(End { offset, .. }) = end.filter(|end| end.asked >= called) {
            return Ok(offset);
        }
        let asked = Instant::now();
        let (_, offset) = self.bounds(tail).await?;
        *end = Some(End { asked, offset });
        Ok(offset)
    }

    /// The first offset that there still is, and the one that the next record gets. The producer asks: on the consumer's
    /// connection a fetch waits for records, and every question behind it.
    pub(crate) async fn bounds(&self, tail: &Tail) -> Result<(i64, i64), Error> {
        let (topic, partition, timeout) = (Arc::clone(&tail.topic), tail.partition, self.timeout);
        self.writer.ask(move |client| client.fetch_watermarks(&topic, partition, timeout)).await
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("topic", &self.topic).field("partition", &self.partition).finish()
    }
}

#[cfg(test)]
mod tests;
