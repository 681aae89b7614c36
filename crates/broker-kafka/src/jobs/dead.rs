//! Jobs that killed their workers, kept for inspection: in a topic of their own, as they must outlast the jobs' own records.
//!
//! It is read by those who ask about the dead, from its beginning: people, seldom.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use broker::{Error, FoundJob, Header, Job, JobEntry, JobState, Kind, Ticket, rules::later};
use parking_lot::Mutex;
use prost::Message as _;
use proto::{Invalid, kafka::DeadJob};
use stream::ResponseId;

use crate::{
    error::unreadable,
    events,
    message::Message,
    older::{Older, Range},
    requests::Place,
    streams::Shared,
    tails::{Sink, Start, Tail, Tails},
    topics::DEAD_KEPT,
    writer::Writer,
};

/// What the tickets of dead jobs begin with; their response follows.
const DEAD: &str = "dead ";

/// The topic of dead jobs.
pub(crate) struct Dead {
    pub(crate) topic: Arc<str>,
    pub(crate) graves: Arc<Graves>,
    pub(crate) tail: Arc<Tail>,
    pub(crate) tails: Arc<Tails>,
    pub(crate) older: Arc<Older>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) shared: Arc<Shared>,
}

/// The dead jobs of each model, without what their users said; of each so many at most, the oldest leaves.
pub(crate) struct Graves {
    max: usize,
    by_model: Mutex<BTreeMap<String, VecDeque<Grave>>>,
}

#[derive(Debug)]
struct Grave {
    offset: i64,
    id: ResponseId,
    header: Header,
    kind: Kind,
    attempts: u32,
    enqueued: SystemTime,
    buried: SystemTime,
    reason: String,
}

impl Dead {
    /// Keeps a job.
    pub(super) async fn keep(&self, id: ResponseId, dead: &DeadJob) -> Result<(), Error> {
        self.write(id, &dead.encode_to_vec()).await
    }

    /// Forgets a job, and tells whether it was dead.
    pub(super) async fn forget(&self, id: ResponseId) -> Result<bool, Error> {
        let is_dead = self.graves().await?.find(id, self.now(), |_| ()).is_some();
        if is_dead {
            self.write(id, &[]).await?;
        }
        Ok(is_dead)
    }

    async fn write(&self, id: ResponseId, payload: &[u8]) -> Result<(), Error> {
        let key = id.to_string();
        let place = Place { topic: &self.topic, partition: 0, key: key.as_bytes() };
        self.writer.write(&place, payload).await
    }

    /// How many there are of each model.
    pub(super) async fn counts(&self) -> Result<BTreeMap<String, u64>, Error> {
        let now = self.now();
        let by_model = self.graves().await?.by_model.lock();
        let count =
            |graves: &VecDeque<Grave>| graves.iter().filter(|grave| grave.is_kept(now)).count() as u64;
        let counts = by_model.iter().map(|(model, graves)| (model.clone(), count(graves)));
        Ok(counts.filter(|(_, count)| *count > 0).collect())
    }

    /// Up to `max` of a model, the latest first.
    pub(super) async fn list(&self, model: &str, max: usize) -> Result<Vec<JobEntry>, Error> {
        let graves = self.graves().await?;
        let now = self.now();
        let by_model = graves.by_model.lock();
        let all = by_model.get(model).into_iter().flatten().rev().filter(|grave| grave.is_kept(now));
        Ok(all.take(max).map(|grave| grave.entry(now)).collect())
    }

    /// The job of a response, whole.
    pub(super) async fn find(&self, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        let now = self.now();
        let found = self.graves().await?.find(id, now, |grave| (grave.offset, grave.entry(now)));
        let Some((offset, entry)) = found else { return Ok(None) };
        let range = Range::one(&self.topic, 0, offset);
        let read = events::read(&self.older, &self.tails, &self.tail, range).await?;
        let Some(message) = read.into_iter().next() else { return Ok(None) };
        let dead = DeadJob::decode(message.payload).map_err(unreadable)?;
        let job = Job::decode(&dead.job).map_err(unreadable)?;
        Ok(Some(FoundJob { entry, job }))
    }

    /// All that are dead by now.
    async fn graves(&self) -> Result<&Graves, Error> {
        self.tails.follow(&self.tail, Start::Beginning).await?;
        self.tails.catch_up(&self.tail).await?;
        Ok(&self.graves)
    }

    fn now(&self) -> SystemTime {
        self.shared.clock.now()
    }
}

/// The response that the ticket of a dead job names.
pub(super) fn named(ticket: &Ticket) -> Option<ResponseId> {
    ticket.entry.strip_prefix(DEAD)?.parse().ok()
}

impl Graves {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, by_model: Mutex::default() }
    }

    fn find<T>(&self, id: ResponseId, now: SystemTime, look: impl FnOnce(&Grave) -> T) -> Option<T> {
        let by_model = self.by_model.lock();
        by_model.values().flatten().find(|grave| grave.id == id && grave.is_kept(now)).map(look)
    }

    fn add(&self, grave: Grave) {
        let mut by_model = self.by_model.lock();
        let graves = by_model.entry(grave.header.model.clone()).or_default();
        // Buried again, by who did not know that it was.
        graves.retain(|known| known.id != grave.id);
        graves.push_back(grave);
        if graves.len() > self.max {
            graves.pop_front();
        }
    }

    fn retain(&self, mut keep: impl FnMut(&Grave) -> bool) {
        self.by_model.lock().retain(|_, graves| {
            graves.retain(&mut keep);
            !graves.is_empty()
        });
    }
}

impl Grave {
    fn read(message: &Message) -> Result<Self, Invalid> {
        let DeadJob { job, reason, attempts, enqueued_at_ms } = DeadJob::decode(message.payload.clone())?;
        let Job { id, header, kind, .. } = Job::decode(&job)?;
        let enqueued = UNIX_EPOCH.checked_add(Duration::from_millis(enqueued_at_ms));
        let enqueued = enqueued.ok_or(Invalid::Part("time"))?;
        let (offset, buried) = (message.offset, message.at);
        Ok(Self { offset, id, header, kind, attempts, enqueued, buried, reason })
    }

    /// Kafka removes records some time after they have become too old.
    fn is_kept(&self, now: SystemTime) -> bool {
        later(self.buried, DEAD_KEPT) > now
    }

    fn entry(&self, now: SystemTime) -> JobEntry {
        let since = now.duration_since(self.buried).unwrap_or_default();
        JobEntry {
            id: self.id,
            header: self.header.clone(),
            kind: self.kind,
            ticket: Ticket {
                model: self.header.model.as_str().into(),
                entry: format!("{DEAD}{}", self.id).into(),
            },
            age: now.duration_since(self.enqueued).unwrap_or_default(),
            attempts: self.attempts,
            state: JobState::Dead { reason: self.reason.clone(), since },
        }
    }
}

impl Sink for Graves {
    fn begin(&self, _next: i64) {
        self.by_model.lock().clear();
    }

    fn take(&self, message: Message) {
        if message.payload.is_empty() {
            let forgotten = std::str::from_utf8(&message.key).ok().and_then(|id| id.parse().ok());
            return self.retain(|grave| Some(grave.id) != forgotten);
        }
        match Grave::read(&message) {
            Ok(grave) => self.add(grave),
            Err(error) => tracing::warn!(offset = message.offset, %error, "a dead job that cannot be read"),
        }
    }

    fn lose(&self, _next: i64) {}

    fn sweep(&self) {}

    fn is_needed(&self) -> bool {
        false
    }
}
