//! The live path may lose what it likes: a cursor tells every event once, in order.

use std::{sync::Arc, time::Duration};

use broker::{Broker, Header, Member, OpenMode};
use parking_lot::Mutex;
use proptest::prelude::*;
use stream::{Delta, DeltaKind, Epoch, Event, EventKind, ResponseId, Sequence, Whole};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::{Metrics, ending::Ender};

fn ender(broker: Broker) -> Ender {
    Ender {
        broker,
        member: Member::random("gateway"),
        store_ttl: Duration::from_secs(60),
        tracer: trace::Tracer::default(),
    }
}

fn metrics() -> Metrics {
    Metrics::register(&mut prometheus_client::registry::Registry::default())
}

fn hub(broker: &Broker) -> Hub {
    Hub::new(ender(broker.clone()), 64, Duration::from_secs(300), TaskTracker::new(), metrics())
}

fn delta(number: u64) -> Event {
    let text = format!("{number}");
    let kind = DeltaKind::OutputText;
    Event::Delta(Delta { kind, output_index: 0, part_index: 0, text: text.into(), logprobs: None })
}

fn whole(kind: EventKind) -> Event {
    Event::Whole(Whole { kind, body: r#"{"response":{}}"#.into() })
}

async fn stream(broker: &Broker) -> (ResponseId, Epoch) {
    let id = broker.log.new_id();
    let header = Header { grace_ms: 60_000, ..Header::default() };
    broker.log.create(id, &header, &[whole(EventKind::Created)]).await.unwrap();
    let opened = broker.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
    (id, opened.epoch)
}

fn subscribe(from: Sequence) -> Subscribe<'static> {
    Subscribe { model: "test-model", trace: None, from, catch_up: true, leave: Leave::RunsOn }
}

/// Reads to the end; the events' numbers.
async fn read(mut cursor: Cursor) -> Vec<Sequence> {
    let mut numbers = Vec::new();
    while let Some(piece) = cursor.next().await {
        numbers.extend(piece.unwrap().events().map(|(sequence, _)| sequence));
    }
    numbers
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_live_path_lost_is_found_by_the_sweep() {
    let broker = broker::memory::broker();
    let hub = hub(&broker);
    let done = CancellationToken::new();
    let sweep =
        tokio_util::task::AbortOnDropHandle::new(TaskTracker::new().spawn(hub.clone().sweep(done.clone())));
    let (id, epoch) = stream(&broker).await;
    // Another broker's hub: it hears of nothing, as if its live path were dead.
    let deaf = Hub::new(ender(deaf(&broker)), 64, Duration::from_secs(300), TaskTracker::new(), metrics());
    let deaf_sweep =
        tokio_util::task::AbortOnDropHandle::new(TaskTracker::new().spawn(deaf.clone().sweep(done)));
    let cursor = deaf.subscribe(id, subscribe(0)).await.unwrap();
    let reading = TaskTracker::new().spawn(read(cursor));
    tokio::task::yield_now().await;
    broker.log.append(id, epoch, 1, &[delta(1), whole(EventKind::Completed)]).await.unwrap();
    assert_eq!(reading.await.unwrap(), [0, 1, 2]);
    drop((sweep, deaf_sweep));
}

/// The same log, but nobody ever hears of anything.
fn deaf(broker: &Broker) -> Broker {
    Broker { log: Wrapped::new(broker, true), ..broker.clone() }
}

/// A log in front of another one, which can be changed for one that lost data.
struct Wrapped {
    log: Mutex<Arc<dyn broker::StreamLog>>,
    is_deaf: bool,
}

impl Wrapped {
    fn new(broker: &Broker, is_deaf: bool) -> Arc<Self> {
        Arc::new(Self { log: Mutex::new(Arc::clone(&broker.log)), is_deaf })
    }

    fn log(&self) -> Arc<dyn broker::StreamLog> {
        Arc::clone(&self.log.lock())
    }
}

/// What a subscriber is told, by type, when the log is `lost` after it has heard of events 0 to 3 of epoch 1.
async fn told_after_loss(lost: &Broker, id: ResponseId) -> Vec<EventKind> {
    let broker = broker::memory::broker();
    begin(&broker, id, 3).await;
    let log = Wrapped::new(&broker, false);
    let wrapped = Broker { log: Arc::clone(&log) as _, ..broker.clone() };
    let hub = Hub::new(ender(wrapped), 64, Duration::from_secs(300), TaskTracker::new(), metrics());
    let done = CancellationToken::new();
    let tasks = TaskTracker::new();
    let sweep = tokio_util::task::AbortOnDropHandle::new(tasks.spawn(hub.clone().sweep(done)));
    let mut cursor = hub.subscribe(id, subscribe(0)).await.unwrap();
    while cursor.next().await.unwrap().unwrap().events().last().unwrap().0 < 3 {}
    *log.log.lock() = Arc::clone(&lost.log);
    let mut kinds = Vec::new();
    let mut number = 3;
    while let Some(piece) = cursor.next().await {
        for (sequence, event) in piece.unwrap().events() {
            assert_eq!(sequence, number + 1);
            number = sequence;
            kinds.push(event.kind());
        }
    }
    drop(sweep);
    kinds
}

/// A stream with events 0 to `last`.
async fn begin(broker: &Broker, id: ResponseId, last: Sequence) -> Epoch {
    broker.log.create(id, &Header::default(), &[whole(EventKind::Created)]).await.unwrap();
    let epoch = broker.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap().epoch;
    for number in 1..=last {
        broker.log.append(id, epoch, number, &[delta(number)]).await.unwrap();
    }
    epoch
}

const TOLD_LOSS: [EventKind; 2] = [EventKind::Error, EventKind::Failed];

#[tokio::test(start_paused = true)]
async fn the_loss_of_a_stream_is_told() {
    assert_eq!(told_after_loss(&broker::memory::broker(), ResponseId::random(0)).await, TOLD_LOSS);
}

#[tokio::test(start_paused = true)]
async fn the_loss_of_what_was_told_last_is_told() {
    let (lost, id) = (broker::memory::broker(), ResponseId::random(0));
    begin(&lost, id, 2).await;
    assert_eq!(told_after_loss(&lost, id).await, TOLD_LOSS);
}

#[tokio::test(start_paused = true)]
async fn what_a_later_worker_wrote_in_place_of_lost_events_is_not_told() {
    let (lost, id) = (broker::memory::broker(), ResponseId::random(0));
    begin(&lost, id, 1).await;
    let epoch = lost.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap().epoch;
    for number in 2..9 {
        lost.log.append(id, epoch, number, &[delta(number)]).await.unwrap();
    }
    assert_eq!(told_after_loss(&lost, id).await, TOLD_LOSS);
}

/// Nothing else lets it look: no sweep, and the record fits to what was told.
#[tokio::test(start_paused = true)]
async fn a_take_over_that_is_heard_live_lets_a_cursor_look_whether_all_is_there() {
    let (broker, lost, id) = (broker::memory::broker(), broker::memory::broker(), ResponseId::random(0));
    begin(&broker, id, 3).await;
    begin(&lost, id, 1).await;
    let log = Wrapped::new(&broker, false);
    let wrapped = Broker { log: Arc::clone(&log) as _, ..broker.clone() };
    let hub = Hub::new(ender(wrapped), 64, Duration::from_secs(300), TaskTracker::new(), metrics());
    let mut cursor = hub.subscribe(id, subscribe(0)).await.unwrap();
    while cursor.next().await.unwrap().unwrap().events().last().unwrap().0 < 3 {}
    // The worker's last event is heard live, so that the feed knows its epoch.
    broker.log.append(id, Epoch(1), 4, &[delta(4)]).await.unwrap();
    assert_eq!(cursor.next().await.unwrap().unwrap().events().last().unwrap().0, 4);
    *log.log.lock() = Arc::clone(&lost.log);
    let epoch = broker.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap().epoch;
    broker.log.append(id, epoch, 5, &[delta(5)]).await.unwrap();
    let piece = cursor.next().await.unwrap().unwrap();
    assert_eq!(piece.events().map(|(_, event)| event.kind()).collect::<Vec<_>>(), TOLD_LOSS);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_still_has_everything_is_read_on() {
    let (same, id) = (broker::memory::broker(), ResponseId::random(0));
    let epoch = begin(&same, id, 3).await;
    same.log.append(id, epoch, 4, &[delta(4), whole(EventKind::Completed)]).await.unwrap();
    assert_eq!(told_after_loss(&same, id).await, [EventKind::OutputTextDelta, EventKind::Completed]);
}

#[async_trait::async_trait]
impl broker::StreamLog for Wrapped {
    fn new_id(&self) -> ResponseId {
        self.log().new_id()
    }

    async fn create(
        &self,
        id: ResponseId,
        header: &Header,
        events: &[Event],
    ) -> Result<broker::Creation, broker::Error> {
        self.log().create(id, header, events).await
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, broker::Error> {
        self.log().header(id).await
    }

    async fn open(
        &self,
        id: ResponseId,
        owner: &Member,
        mode: OpenMode,
    ) -> Result<broker::Opened, broker::OpenError> {
        self.log().open(id, owner, mode).await
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<broker::Appended, broker::AppendError> {
        self.log().append(id, epoch, first, events).await
    }

    async fn read(
        &self,
        id: ResponseId,
        from: Sequence,
        max: usize,
    ) -> Result<Option<broker::Page>, broker::Error> {
        self.log().read(id, from, max).await
    }

    async fn listen(
        &self,
        id: ResponseId,
        listener: Arc<dyn broker::Listener>,
    ) -> Result<broker::Listening, broker::Error> {
        if self.is_deaf {
            return Ok(broker::Listening::new(|| {}));
        }
        self.log().listen(id, listener).await
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), broker::Error> {
        self.log().expire(id, after).await
    }
}

proptest! {
    /// Whatever the sizes of the appends, and wherever subscribers come in: each hears every event from there on once.
    #[test]
    fn every_subscriber_hears_all(batches in prop::collection::vec(1u64..9, 1..20), joins in prop::collection::vec(0usize..20, 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let broker = broker::memory::broker();
            let hub = hub(&broker);
            let (id, epoch) = stream(&broker).await;
            let tasks = TaskTracker::new();
            let mut readers = Vec::new();
            let mut next = 1;
            for (at, size) in batches.iter().enumerate() {
                for _ in joins.iter().filter(|join| **join == at) {
                    let cursor = hub.subscribe(id, subscribe(next / 2)).await.unwrap();
                    readers.push((next / 2, tasks.spawn(read(cursor))));
                }
                let events: Vec<_> = (next..next + size).map(delta).collect();
                broker.log.append(id, epoch, next, &events).await.unwrap();
                next += size;
                tokio::task::yield_now().await;
            }
            broker.log.append(id, epoch, next, &[whole(EventKind::Completed)]).await.unwrap();
            for (from, reader) in readers {
                assert_eq!(reader.await.unwrap(), (from..=next).collect::<Vec<_>>());
            }
            let late = hub.subscribe(id, subscribe(0)).await.unwrap();
            assert_eq!(read(late).await, (0..=next).collect::<Vec<_>>());
        });
    }
}
