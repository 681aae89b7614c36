//! Jobs: for each model a Redis Stream with one group of consumers, the workers.
//!
//! A consumer is named by its worker and the lease of its claims. How long an entry has been with its consumer is known
//! to Redis itself, so a claim costs nothing beside the reading; whoever claims next looks for those that have run out.
//!
//! Beside each job stands its head, the job without its request: a list of jobs carries no conversations.

mod inspection;
mod queues;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{
    Backlog, Claim, Creation, Depth, Error, FoundJob, Job, JobEntry, JobQueue, JobStatus, Member, Ticket,
    check_events,
};
use bytes::Bytes;
use parking_lot::Mutex;
use stream::{Event, ResponseId};
use tokio::time::Instant;
use tracing::error;

use self::queues::Queues;
use crate::{
    Config,
    client::Client,
    live::Note,
    log::Log,
    readers::{Entry, Readers},
    scripts::{self, Call, millis},
};

/// How long a queue lives that nobody touches, and with it the memory that a response has a job in it.
const QUEUE_TTL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a response whose job has left the queue cannot be enqueued again.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// How long a buried job is kept.
const DEAD_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often all claims of a model are looked through for those that were given back or have run out, whoever does it. It bounds
/// what this costs the server, and is how much later than its lease a claim may be handed on.
const SWEEP: Duration = Duration::from_millis(100);

/// How long one that waits is blocked at most, before it looks for claims that have run out meanwhile: this part of a lease.
/// With the default lease of 2.5 s a take-over begins within 2.9 s after its worker's last sign of life.
const LOOKS_PER_LEASE: u32 = 8;

/// With long leases it is this.
const MAX_BLOCK: Duration = Duration::from_secs(1);

/// How many claims one call renews: the server does nothing else meanwhile.
const RENEWALS_AT_ONCE: usize = 256;

/// How often a job that cannot be read is handed out before it is buried. A worker of a later version may read it.
const UNREADABLE_ATTEMPTS: u32 = 5;

/// The queues on Redis.
pub(crate) struct Jobs {
    client: Client,
    log: Arc<Log>,
    readers: Readers,
    queues: Queues,
    /// When each model's claims were looked through last, from here.
    looked: Mutex<HashMap<Arc<str>, Instant>>,
    max_jobs: u64,
    max_dead: u64,
}

impl Jobs {
    pub(crate) fn new(client: Client, log: Arc<Log>, readers: Readers, config: &Config) -> Self {
        let queues = Queues::new(client.clone());
        let (max_jobs, max_dead) = (config.max_jobs, config.max_dead);
        Self { client, log, readers, queues, looked: Mutex::default(), max_jobs, max_dead }
    }

    /// Claims what is there right now: given back, run out, or new.
    async fn claim_now(
        &self,
        model: &Arc<str>,
        consumer: &str,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let keys = &self.client.keys;
        self.looked.lock().insert(Arc::clone(model), Instant::now());
        let call = scripts::CLAIM
            .call([keys.queue(model), keys.swept(model), keys.calling(model)])
            .arg(consumer)
            .arg(max)
            .arg(millis(sweep(lease)).max(1))
            .arg(millis(QUEUE_TTL));
        let entries: Vec<(String, Vec<u8>, u32)> = self.client.run(&call).await?;
        let mut claims = Vec::with_capacity(entries.len());
        for (entry, job, attempt) in entries {
            claims.extend(self.claimed(model, &entry, &job, attempt).await);
        }
        Ok(claims)
    }

    /// Claims the first job to come, for as long as `block`.
    async fn claim_next(
        &self,
        model: &Arc<str>,
        consumer: &str,
        max: usize,
        block: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let entries = self.readers.read(&self.client.keys.queue(model), consumer, max, block).await?;
        let mut claims = Vec::with_capacity(entries.len());
        for Entry { id, job } in entries {
            match job {
                Some(job) => claims.extend(self.claimed(model, &id, &job, 1).await),
                None => self.answer_call(model, &id).await,
            }
        }
        Ok(claims)
    }

    /// The claim of an entry; none if its job cannot be read. Then its lease runs out, and another worker may try.
    async fn claimed(&self, model: &Arc<str>, entry: &str, job: &[u8], attempt: u32) -> Option<Claim> {
        match Job::decode(job) {
            Ok(job) => {
                let ticket = Place::ticket(model, entry, job.id);
                Some(Claim { job, attempt, ticket })
            }
            Err(cause) => {
                error!(%model, entry, attempt, error = %cause, "unreadable job");
                if attempt >= UNREADABLE_ATTEMPTS {
                    let place = Place { model: Arc::clone(model), entry, id: ResponseId::from_parts(0, 0) };
                    // If that fails, the next one who claims it does it.
                    let _ = self.bury_at(&place, "it cannot be read").await;
                }
                None
            }
        }
    }

    /// Takes out an entry that only called for those who wait, because a job was given back. If that fails, it runs out
    /// as a claim does, and whoever claims it then takes it out.
    async fn answer_call(&self, model: &str, entry: &str) {
        let keys = &self.client.keys;
        let call = scripts::ANSWER_CALL.call([keys.queue(model), keys.calling(model)]).arg(entry);
        let _: Result<(), Error> = self.client.run(&call).await;
    }

    /// `call` with the arguments of a job.
    fn with_job(&self, call: Call, job: &Job) -> Call {
        call.arg(&job.encode()[..])
            .arg(&Job { request: Bytes::new(), ..job.clone() }.encode()[..])
            .arg(self.max_jobs)
            .arg(millis(QUEUE_TTL))
    }

    async fn bury_at(&self, place: &Place<'_>, reason: &str) -> Result<(), Error> {
        let keys = &self.client.keys;
        let call = scripts::BURY
            .call([keys.queue(&place.model), keys.known(&place.model, place.id), keys.dead(&place.model)])
            .arg(place.entry)
            .arg(reason)
            .arg(self.max_dead)
            .arg(millis(DEAD_TTL));
        tokio::join!(self.client.run(&call), self.queues.note(&place.model)).0
    }
}

#[async_trait]
impl JobQueue for Jobs {
    async fn enqueue(&self, job: &Job) -> Result<(), Error> {
        let (keys, model) = (&self.client.keys, &job.header.model);
        let call = scripts::ENQUEUE.call([keys.queue(model), keys.known(model, job.id)]);
        let call = self.with_job(call, job);
        let (answer, ()) = tokio::join!(self.client.run::<String>(&call), self.queues.note(model));
        let answer = answer?;
        match answer.as_str() {
            "full" => Err(full(model)),
            _ => Ok(()),
        }
    }

    async fn begin(&self, job: &Job, events: &[Event]) -> Result<Option<Creation>, Error> {
        // A stream and a queue are on different nodes there.
        if self.client.is_cluster() {
            return Ok(None);
        }
        check_events(events)?;
        let (keys, model) = (&self.client.keys, &job.header.model);
        let call = scripts::BEGIN.call([
            keys.log(job.id),
            keys.meta(job.id),
            keys.queue(model),
            keys.known(model, job.id),
        ]);
        let (call, note) = self.log.creation(call, job.id, &job.header, events);
        let call = self.with_job(call, job);
        let (answer, ()) = tokio::join!(self.client.run::<String>(&call), self.queues.note(model));
        let creation = match answer?.as_str() {
            "full" => return Err(full(model)),
            "existed" => Creation::Existed,
            _ => Creation::Created,
        };
        note.into_iter().for_each(Note::made);
        Ok(Some(creation))
    }

    async fn claim(
        &self,
        model: &str,
        worker: &Member,
        max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let model: Arc<str> = model.into();
        let lease = lease.max(Duration::from_millis(1));
        let consumer = format!("{worker} {}", millis(lease));
        let block = (lease / LOOKS_PER_LEASE).clamp(Duration::from_millis(1), MAX_BLOCK);
        let begin = Instant::now();
        // Who has just looked goes on with what is new: to look costs the server more than all else that a job needs there.
        let looked = self.looked.lock().get(&model).map(Instant::elapsed);
        if let Some(looked) = looked.filter(|looked| *looked < sweep(lease)) {
            let block = wait.min(block.saturating_sub(looked));
            if !block.is_zero() {
                let claims = self.claim_next(&model, &consumer, max, block).await?;
                if !claims.is_empty() {
                    return Ok(claims);
                }
            }
        }
        loop {
            let claims = self.claim_now(&model, &consumer, max, lease).await?;
            let left = wait.saturating_sub(begin.elapsed());
            if !claims.is_empty() || left.is_zero() {
                return Ok(claims);
            }
            let claims = self.claim_next(&model, &consumer, max, left.min(block)).await?;
            if !claims.is_empty() {
                return Ok(claims);
            }
        }
    }

    async fn renew(&self, worker: &Member, tickets: &[Ticket]) -> Result<Vec<Ticket>, Error> {
        let mut by_model: HashMap<&Arc<str>, Vec<(&str, &Ticket)>> = HashMap::new();
        for ticket in tickets {
            by_model.entry(&ticket.model).or_default().push((Place::of(ticket)?.entry, ticket));
        }
        let mut lost = Vec::new();
        for (model, mut tickets) in by_model {
            tickets.sort_by_cached_key(|(entry, _)| order(entry));
            for tickets in tickets.chunks(RENEWALS_AT_ONCE) {
                let call = scripts::RENEW.call([self.client.keys.queue(model)]).arg(worker.as_str());
                let call = tickets.iter().fold(call, |call, (entry, _)| call.arg(*entry));
                let places: Vec<usize> = self.client.run(&call).await?;
                lost.extend(
                    places
                        .into_iter()
                        .filter_map(|at| tickets.get(at))
                        .map(|(_, ticket)| Ticket::clone(ticket)),
                );
            }
        }
        Ok(lost)
    }

    async fn finish(&self, ticket: &Ticket) -> Result<(), Error> {
        let (keys, place) = (&self.client.keys, Place::of(ticket)?);
        let call = scripts::FINISH
            .call([keys.queue(&place.model), keys.known(&place.model, place.id)])
            .arg(place.entry)
            .arg(millis(REMEMBERED));
        self.client.run(&call).await
    }

    async fn release(&self, worker: &Member, ticket: &Ticket) -> Result<(), Error> {
        let (keys, place) = (&self.client.keys, Place::of(ticket)?);
        let call = scripts::RELEASE
            .call([keys.queue(&place.model), keys.calling(&place.model)])
            .arg(worker.as_str())
            .arg(place.entry)
            .arg(millis(QUEUE_TTL));
        self.client.run(&call).await
    }

    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error> {
        self.bury_at(&Place::of(ticket)?, reason).await
    }

    async fn depth(&self, model: &str) -> Result<Depth, Error> {
        Ok(self.backlog(model).await?.depth)
    }

    async fn queues(&self) -> Result<Vec<Backlog>, Error> {
        self.backlogs().await
    }

    async fn list(&self, model: &str, status: JobStatus, max: usize) -> Result<Vec<JobEntry>, Error> {
        match status {
            JobStatus::Dead => self.list_dead(model, max).await,
            _ => self.list_queue(model, status, max).await,
        }
    }

    async fn find(&self, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        for model in self.queues.models().await? {
            if let Some(found) = self.find_in(&model, id).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn forget(&self, ticket: &Ticket) -> Result<bool, Error> {
        let (keys, place) = (&self.client.keys, Place::of(ticket)?);
        let call = scripts::FORGET
            .call([keys.dead(&place.model), keys.known(&place.model, place.id)])
            .arg(place.entry)
            .arg(millis(REMEMBERED));
        self.client.run(&call).await
    }
}

/// How often claims with this lease are looked through.
fn sweep(lease: Duration) -> Duration {
    SWEEP.min(lease / 4)
}

/// Where an entry stands among the others.
fn order(entry: &str) -> Option<(u64, u64)> {
    let (milliseconds, number) = entry.split_once('-')?;
    Some((milliseconds.parse().ok()?, number.parse().ok()?))
}

fn full(model: &str) -> Error {
    Error::unavailable(format!("the queue of {model} is full"))
}

/// What a ticket means here: `<entry id> <response id>`.
struct Place<'a> {
    model: Arc<str>,
    entry: &'a str,
    id: ResponseId,
}

impl<'a> Place<'a> {
    fn of(ticket: &'a Ticket) -> Result<Self, Error> {
        let parts = ticket.entry.split_once(' ').and_then(|(entry, id)| Some((entry, id.parse().ok()?)));
        let (entry, id) = parts.ok_or_else(|| Error::refused("a ticket of another broker"))?;
        Ok(Self { model: Arc::clone(&ticket.model), entry, id })
    }

    /// The ticket of the job at `entry`.
    fn ticket(model: &Arc<str>, entry: &str, id: ResponseId) -> Ticket {
        Ticket { model: Arc::clone(model), entry: format!("{entry} {id}").into() }
    }
}
