//! What the scenes share: things to put into a broker, ears to hold to it, and patience with a deadline.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use parking_lot::Mutex;
use stream::{Delta, DeltaKind, Event, EventKind, Record, ResponseId, Sequence, Whole};
use tokio::time::{Instant, sleep, timeout};

use crate::{Broker, Claim, Creation, Header, Job, Kind, Listener, Member, OpenMode, Opened, StopListener};

/// How long a scene waits for what must happen: only a broken broker ever takes that long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A lease that runs out while a scene looks on.
pub(super) const SHORT: Duration = Duration::from_millis(200);

/// A lease that does not run out within a scene.
pub(super) const LONG: Duration = Duration::from_secs(60);

/// A page that holds whatever a scene appends.
pub(super) const ALL: usize = 64 << 20;

/// Waits until `holds` answers true.
pub(super) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for `future` no longer than patience lasts.
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = timeout(PATIENCE, future).await;
    assert!(result.is_ok(), "did not happen: {what}");
    result.unwrap()
}

/// A name that no other scene uses.
pub(super) fn fresh(what: &str) -> String {
    Member::random(what).to_string()
}

pub(super) fn worker() -> Member {
    Member::random("worker")
}

/// The header of a response in the background: nothing abandons it.
pub(super) fn background() -> Header {
    Header { user: fresh("user"), model: fresh("model"), background: true, ..Header::default() }
}

/// The header of a response that someone must attend after `grace`.
pub(super) fn attended(grace: Duration) -> Header {
    Header { grace_ms: grace.as_millis() as u64, background: false, ..background() }
}

pub(super) fn created() -> Event {
    Event::Whole(Whole { kind: EventKind::Created, body: r#"{"response":{}}"#.into() })
}

pub(super) fn completed() -> Event {
    Event::Whole(Whole { kind: EventKind::Completed, body: r#"{"response":{"status":"completed"}}"#.into() })
}

pub(super) fn delta(text: impl Into<String>) -> Event {
    Event::Delta(Delta {
        kind: DeltaKind::OutputText,
        output_index: 0,
        part_index: 0,
        text: text.into().into(),
        logprobs: None,
    })
}

/// Deltas whose texts are the sequence numbers that they shall get.
pub(super) fn deltas(first: Sequence, count: u64) -> Vec<Event> {
    (first..first + count).map(|sequence| delta(sequence.to_string())).collect()
}

/// A stream with `response.created` in it, in the background.
pub(super) async fn begin(broker: &Broker) -> ResponseId {
    begin_with(broker, &background()).await
}

pub(super) async fn begin_with(broker: &Broker, header: &Header) -> ResponseId {
    let id = broker.log.new_id();
    assert_eq!(broker.log.create(id, header, &[created()]).await.unwrap(), Creation::Created);
    id
}

pub(super) async fn open(broker: &Broker, id: ResponseId) -> Opened {
    broker.log.open(id, &worker(), OpenMode::TakeOver).await.unwrap()
}

/// All records of a stream, in one page.
pub(super) async fn read(broker: &Broker, id: ResponseId) -> Vec<Arc<Record>> {
    let page = broker.log.read(id, 0, ALL).await.unwrap().unwrap();
    assert!(!page.more, "a page of {ALL} bytes holds the whole stream");
    page.records
}

/// The texts of all deltas of a stream, in order, after a look that its sequence numbers have no gap.
pub(super) async fn texts(broker: &Broker, id: ResponseId) -> Vec<String> {
    let records = read(broker, id).await;
    assert_gapless(0, &records);
    records.iter().flat_map(|record| &record.events).filter_map(text).collect()
}

pub(super) fn text(event: &Event) -> Option<String> {
    match event {
        Event::Delta(delta) => Some(delta.text.to_string()),
        Event::Whole(_) => None,
    }
}

/// Holds records to the contract: events in each, and sequence numbers without a gap from `next` on.
pub(super) fn assert_gapless(mut next: Sequence, records: &[Arc<Record>]) -> Sequence {
    for record in records {
        assert!(!record.events.is_empty(), "openings never leave the broker");
        assert_eq!(record.first, next, "a gap or a repetition");
        next = record.next();
    }
    next
}

/// A listener that remembers what it heard.
#[derive(Default)]
pub(super) struct Ear(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    records: Vec<(ResponseId, Arc<Record>)>,
    interruptions: usize,
}

impl Ear {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn records(&self) -> Vec<Arc<Record>> {
        self.0.lock().records.iter().map(|(_, record)| Arc::clone(record)).collect()
    }

    pub(super) fn ids(&self) -> Vec<ResponseId> {
        self.0.lock().records.iter().map(|(id, _)| *id).collect()
    }

    pub(super) fn interruptions(&self) -> usize {
        self.0.lock().interruptions
    }

    /// The sequence number after what was heard last.
    pub(super) fn next(&self) -> Sequence {
        self.0.lock().records.last().map_or(0, |(_, record)| record.next())
    }

    /// Waits until everything before `next` was heard. Nothing breaks the connection to the broker in a scene of this
    /// suite, so nothing may be missed.
    pub(super) async fn hears_up_to(&self, next: Sequence) {
        eventually(&format!("hearing all up to {next}"), async || self.next() >= next).await;
        assert_eq!(self.interruptions(), 0, "an interruption without a cause");
    }
}

impl Listener for Ear {
    fn heard(&self, id: ResponseId, record: Arc<Record>) {
        self.0.lock().records.push((id, record));
    }

    fn interrupted(&self, _id: ResponseId) {
        self.0.lock().interruptions += 1;
    }
}

/// A listener that remembers which streams were cancelled.
#[derive(Default)]
pub(super) struct StopEar(Mutex<Vec<ResponseId>>);

impl StopEar {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn count(&self, id: ResponseId) -> usize {
        self.0.lock().iter().filter(|heard| **heard == id).count()
    }
}

impl StopListener for StopEar {
    fn cancelled(&self, id: ResponseId) {
        self.0.lock().push(id);
    }
}

/// A job of `model` that no other scene has.
pub(super) fn job(model: &str) -> Job {
    let id = ResponseId::random(0);
    Job {
        id,
        header: Header { model: model.into(), ..background() },
        kind: Kind::Response,
        request: Bytes::from(format!(r#"{{"input":"{id}"}}"#)),
        trace: stream::TraceContext::new(1, 2, true),
        enqueued_at_us: 3,
    }
}

/// Puts so many jobs into the queue of `model`, in order.
pub(super) async fn enqueue(broker: &Broker, model: &str, count: usize) -> Vec<Job> {
    let jobs: Vec<_> = (0..count).map(|_| job(model)).collect();
    for job in &jobs {
        broker.jobs.enqueue(job).await.unwrap();
    }
    jobs
}

/// Claims what is there right now, for long.
pub(super) async fn claim(broker: &Broker, model: &str, worker: &Member, max: usize) -> Vec<Claim> {
    broker.jobs.claim(model, worker, max, Duration::ZERO, LONG).await.unwrap()
}

/// Claims one job, which must come soon.
pub(super) async fn claim_one(broker: &Broker, model: &str, worker: &Member, lease: Duration) -> Claim {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Some brokers look for claims that ran out only when a claim begins.
        let wait = Duration::from_millis(50);
        if let Some(claim) = broker.jobs.claim(model, worker, 1, wait, lease).await.unwrap().pop() {
            return claim;
        }
        assert!(Instant::now() < deadline, "no job of {model} was handed out");
    }
}
