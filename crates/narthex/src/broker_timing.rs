//! How long the broker takes for each operation, whichever broker it is: a broker that passes everything on, and looks at the clock.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{
    AppendError, Appended, Backlog, Broker, Claim, Control, Creation, Depth, Error, FoundJob, Header, Job,
    JobEntry, JobQueue, JobStatus, Listener, Listening, Member, Model, OpenError, OpenMode, Opened, Page,
    Stop, StopListener, Store, StreamLog, Ticket,
};
use bytes::Bytes;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use stream::{Epoch, Event, ResponseId, Sequence};
use tokio::time::Instant;

/// By operation: those of the four traits, and the store's with `store_` before them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

/// How long operations take. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    all: Family<OperationLabel, Histogram, fn() -> Histogram>,
    /// Looked up once: appends come with every token.
    append: Histogram,
}

impl Times {
    /// Times that count in `registry`, in the buckets of all layers: 50 µs to 105 s, twofold.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let times = Family::new_with_constructor(
            (|| Histogram::new(exponential_buckets(0.000_05, 2.0, 22))) as fn() -> _,
        );
        let help = "One operation of the broker, from question to answer";
        registry.register_with_unit("narthex_broker_operation", help, Unit::Seconds, times.clone());
        let append = times.get_or_create(&OperationLabel { operation: "append" }).clone();
        Self { all: times, append }
    }

    /// `broker`, timed.
    pub(crate) fn of(&self, broker: Broker) -> Broker {
        let Broker { jobs, log, control, store } = broker;
        Broker {
            jobs: Arc::new(Timed { inner: jobs, times: self.clone() }),
            log: Arc::new(Timed { inner: log, times: self.clone() }),
            control: Arc::new(Timed { inner: control, times: self.clone() }),
            store: Arc::new(Timed { inner: store, times: self.clone() }),
        }
    }

    /// Waits for `answer`. One that nobody waits for to its end is not counted.
    async fn time<T>(&self, operation: &'static str, answer: impl Future<Output = T>) -> T {
        let (answer, took) = timed(answer).await;
        self.observe(operation, took);
        answer
    }

    fn observe(&self, operation: &'static str, took: f64) {
        self.all.get_or_create(&OperationLabel { operation }).observe(took);
    }
}

/// An answer, and after how many seconds it came.
async fn timed<T>(answer: impl Future<Output = T>) -> (T, f64) {
    let asked = Instant::now();
    let answer = answer.await;
    (answer, asked.elapsed().as_secs_f64())
}

/// One of the broker's traits.
struct Timed<T: ?Sized> {
    inner: Arc<T>,
    times: Times,
}

#[async_trait]
impl JobQueue for Timed<dyn JobQueue> {
    async fn enqueue(&self, job: &Job) -> Result<(), Error> {
        self.times.time("enqueue", self.inner.enqueue(job)).await
    }

    async fn begin(&self, job: &Job, events: &[Event]) -> Result<Option<Creation>, Error> {
        let (answer, took) = timed(self.inner.begin(job, events)).await;
        // Where it is two steps, those are counted.
        if !matches!(answer, Ok(None)) {
            self.times.observe("begin", took);
        }
        answer
    }

    async fn claim(
        &self,
        model: &str,
        worker: &Member,
        max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        self.times.time("claim", self.inner.claim(model, worker, max, wait, lease)).await
    }

    async fn renew(&self, worker: &Member, tickets: &[Ticket]) -> Result<Vec<Ticket>, Error> {
        self.times.time("renew", self.inner.renew(worker, tickets)).await
    }

    async fn finish(&self, ticket: &Ticket) -> Result<(), Error> {
        self.times.time("finish", self.inner.finish(ticket)).await
    }

    async fn release(&self, worker: &Member, ticket: &Ticket) -> Result<(), Error> {
        self.times.time("release", self.inner.release(worker, ticket)).await
    }

    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error> {
        self.times.time("bury", self.inner.bury(ticket, reason)).await
    }

    async fn depth(&self, model: &str) -> Result<Depth, Error> {
        self.times.time("depth", self.inner.depth(model)).await
    }

    async fn queues(&self) -> Result<Vec<Backlog>, Error> {
        self.times.time("queues", self.inner.queues()).await
    }

    async fn list(&self, model: &str, status: JobStatus, max: usize) -> Result<Vec<JobEntry>, Error> {
        self.times.time("list", self.inner.list(model, status, max)).await
    }

    async fn find(&self, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        self.times.time("find", self.inner.find(id)).await
    }

    async fn forget(&self, ticket: &Ticket) -> Result<bool, Error> {
        self.times.time("forget", self.inner.forget(ticket)).await
    }
}

#[async_trait]
impl StreamLog for Timed<dyn StreamLog> {
    fn new_id(&self) -> ResponseId {
        self.inner.new_id()
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        self.times.time("create", self.inner.create(id, header, events)).await
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        self.times.time("header", self.inner.header(id)).await
    }

    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        self.times.time("open", self.inner.open(id, owner, mode)).await
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        let (answer, took) = timed(self.inner.append(id, epoch, first, events)).await;
        self.times.append.observe(took);
        answer
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        self.times.time("read", self.inner.read(id, from, max_bytes)).await
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        self.times.time("listen", self.inner.listen(id, listener)).await
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        self.times.time("expire", self.inner.expire(id, after)).await
    }
}

#[async_trait]
impl Control for Timed<dyn Control> {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        self.times.time("cancel", self.inner.cancel(id)).await
    }

    async fn stops_requested(&self, ids: &[ResponseId]) -> Result<Vec<Option<Stop>>, Error> {
        self.times.time("stops_requested", self.inner.stops_requested(ids)).await
    }

    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        self.times.time("listen_stops", self.inner.listen_stops(listener)).await
    }

    async fn attend(&self, ids: &[ResponseId], gateway: &Member, lease: Duration) -> Result<(), Error> {
        self.times.time("attend", self.inner.attend(ids, gateway, lease)).await
    }

    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        self.times.time("announce", self.inner.announce(models, lease)).await
    }

    async fn models(&self) -> Result<Vec<Model>, Error> {
        self.times.time("models", self.inner.models()).await
    }
}

#[async_trait]
impl Store for Timed<dyn Store> {
    fn missing(&self) -> Option<&'static str> {
        self.inner.missing()
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.times.time("store_get", self.inner.get(key)).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Error> {
        self.times.time("store_put", self.inner.put(key, value, ttl)).await
    }

    async fn insert(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, Error> {
        self.times.time("store_insert", self.inner.insert(key, value, ttl)).await
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, Error> {
        self.times.time("store_replace", self.inner.replace(key, value, ttl)).await
    }

    async fn remove(&self, key: &str) -> Result<bool, Error> {
        self.times.time("store_remove", self.inner.remove(key)).await
    }

    async fn add(&self, key: &str, amount: i64, ttl: Duration) -> Result<i64, Error> {
        self.times.time("store_add", self.inner.add(key, amount, ttl)).await
    }

    async fn enter(&self, key: &str, guest: &str, max: usize, ttl: Duration) -> Result<bool, Error> {
        self.times.time("store_enter", self.inner.enter(key, guest, max, ttl)).await
    }

    async fn leave(&self, key: &str, guest: &str) -> Result<bool, Error> {
        self.times.time("store_leave", self.inner.leave(key, guest)).await
    }
}
