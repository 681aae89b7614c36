//! Jobs, as the contract has them: a topic of a few partitions, and each model in one of them.
//!
//! Not a group of consumers: in a group a partition's jobs go to one member, however busy it is, no more members than
//! partitions get any, and who is dead is found out by the broker's time-outs. Here every process that serves a model reads
//! its partition, knows what waits, and claims by an entry of its own. The first claim in the log is granted, to whoever has
//! room; leases are judged by the times on the entries. A job that takes long is in nobody's way: the place in the
//! partition is where to begin to read, not what is done. That place is committed as a consumer does, so that the tools
//! that show how far a group is behind show how old the oldest unfinished job is.

mod claiming;
mod dead;
mod inspection;
mod seen;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use broker::{Backlog, Claim, Depth, Error, FoundJob, Job, JobEntry, JobQueue, JobStatus, Member, Ticket};
use prost::Message as _;
use proto::kafka::{self, BuryJob, DeadJob, FinishJob, JobAsk, ReleaseJob, RenewJobs};
use stream::ResponseId;
use tokio::time::{Instant, sleep_until};

pub(crate) use self::dead::{Dead, Graves};
use self::{claiming::claim_of, seen::Seen};
use crate::{
    events::Events,
    log::{confused, millis},
    older::Older,
    queue::{JobAnswer, Listed},
    requests::Place,
    streams::Shared,
    tails::{Start, Tail, Tails},
    writer::Writer,
};

/// The queues on Kafka.
pub(crate) struct Jobs {
    pub(crate) topic: Arc<str>,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) tails: Arc<Tails>,
    pub(crate) older: Arc<Older>,
    pub(crate) dead: Dead,
    pub(crate) writer: Arc<Writer>,
    pub(crate) max_jobs: u64,
    pub(crate) waiting_bytes: usize,
    pub(crate) timeout: Duration,
    /// The reading goes on as long as this is there.
    pub(crate) events: Arc<Events>,
}

/// One partition: its jobs, and what follows it.
pub(crate) struct Partition {
    number: u16,
    seen: Arc<Seen>,
    pub(crate) tail: Arc<Tail>,
}

/// The partitions of a topic with so many of them.
pub(crate) fn partitions(topic: &Arc<str>, count: u16, shared: &Arc<Shared>) -> Vec<Partition> {
    let partition = |number| {
        let seen = Arc::new(Seen::new(Arc::clone(shared)));
        let tail = Tail::new(topic, number, Arc::clone(&seen) as _);
        Partition { number, seen, tail }
    };
    (0..count).map(partition).collect()
}

impl Jobs {
    /// The partition of a model.
    fn of(&self, model: &str) -> Result<&Partition, Error> {
        let number = hash(model.as_bytes()).checked_rem(self.partitions.len() as u64).unwrap_or_default();
        self.partitions.get(number as usize).ok_or_else(|| Error::refused("a topic without partitions"))
    }

    async fn followed(&self, model: &str) -> Result<&Partition, Error> {
        let partition = self.of(model)?;
        self.tails.follow(&partition.tail, Start::Committed).await?;
        Ok(partition)
    }

    /// Begins to read a partition, if it is not read yet. Nobody waits for that, or depends on it.
    fn follow_soon(&self, partition: &Partition) {
        if partition.tail.is_asked_for() {
            return;
        }
        let (tails, tail) = (Arc::clone(&self.tails), Arc::clone(&partition.tail));
        self.events.tasks.spawn(self.events.ended.clone().run_until_cancelled_owned(async move {
            if let Err(error) = tails.follow(&tail, Start::Committed).await {
                tracing::warn!(?tail, %error, "failed to read how many jobs there are");
            }
        }));
    }

    /// Writes what is asked of jobs, and waits until it is in the log, whatever comes of it.
    async fn tell(&self, partition: &Partition, model: &str, ask: JobAsk) -> Result<(), Error> {
        let entry = kafka::JobEntry { process: 0, request: 0, ask: Some(ask) }.encode_to_vec();
        self.writer.write(&self.place(partition, model), &entry).await
    }

    /// Writes what is asked of jobs, and waits for what comes of it.
    async fn ask(&self, partition: &Partition, model: &str, ask: JobAsk) -> Result<JobAnswer, Error> {
        let entry = |process, request| kafka::JobEntry { process, request, ask: Some(ask) }.encode_to_vec();
        let place = self.place(partition, model);
        partition.seen.requests.ask(&self.writer, &place, entry, self.timeout).await
    }

    fn place<'a>(&'a self, partition: &Partition, model: &'a str) -> Place<'a> {
        Place { topic: &self.topic, partition: partition.number.into(), key: model.as_bytes() }
    }

    /// The place that a ticket names.
    fn named<'a>(&'a self, ticket: &Ticket) -> Result<(&'a Partition, i64), Error> {
        let (partition, offset) = ticket.entry.split_once('-').unwrap_or_default();
        let partition = partition.parse::<usize>().ok().and_then(|number| self.partitions.get(number));
        partition.zip(offset.parse().ok()).ok_or_else(|| Error::refused("a ticket of another broker"))
    }
}

impl Partition {
    fn entry(&self, listed: Listed) -> JobEntry {
        let Listed { offset, id, header, kind, age, attempts, state } = listed;
        let ticket = self.ticket(&header.model.as_str().into(), offset);
        JobEntry { id, header, kind, ticket, age, attempts, state }
    }

    fn ticket(&self, model: &Arc<str>, offset: i64) -> Ticket {
        Ticket { model: Arc::clone(model), entry: format!("{}-{offset}", self.number).into() }
    }
}

#[async_trait]
impl JobQueue for Jobs {
    /// Whether there is room is judged here, by what was read up to now, and not by the log: so what is under way at the
    /// same time comes on top. In return a gateway that begins beside a long queue takes jobs in at once, and nobody waits for
    /// an answer.
    async fn enqueue(&self, job: &Job) -> Result<(), Error> {
        let model = &job.header.model;
        let partition = self.of(model)?;
        self.follow_soon(partition);
        if partition.seen.look(|queue| queue.is_full(job, self.max_jobs)) {
            return Err(Error::unavailable(format!("the queue of {model} is full")));
        }
        self.tell(partition, model, JobAsk::Enqueue(job.encode())).await
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
        let (begin, mut has_caught_up, mut is_told) = (Instant::now(), false, false);
        let (partition, name): (_, Arc<str>) = (self.followed(model).await?, model.into());
        let Partition { seen, tail, .. } = partition;
        seen.look(|queue| queue.keep_bodies(self.waiting_bytes));
        let news = seen.news(model);
        loop {
            let coming = news.notified();
            tokio::pin!(coming);
            coming.as_mut().enable();
            let left = wait.saturating_sub(begin.elapsed());
            let wanted = seen.want(model, worker, max, !left.is_zero());
            if !wanted.jobs.is_empty() {
                let claims = self.take(partition, &name, &wanted, worker, max, lease).await?;
                if claims.is_empty() {
                    continue;
                }
                return Ok(claims);
            }
            let look_again = wanted.look_again;
            drop(wanted);
            if !has_caught_up {
                self.tails.catch_up(tail).await?;
                has_caught_up = true;
                continue;
            }
            if left.is_zero() {
                return Ok(Vec::new());
            }
            if !is_told && seen.look(|queue| !queue.knows(model, worker)) {
                // If that fails, others do not let this one go first.
                let claim = claim_of(worker, lease, Vec::new(), max);
                let _ = self.tell(partition, model, JobAsk::Claim(claim)).await;
                is_told = true;
                continue;
            }
            let until = Instant::now() + left.min(seen.until_run_out(model));
            tokio::select! {
                () = coming => {}
                () = sleep_until(look_again.map_or(until, |turn| turn.min(until))) => {}
            }
        }
    }

    async fn renew(&self, worker: &Member, tickets: &[Ticket]) -> Result<Vec<Ticket>, Error> {
        let mut by_partition: BTreeMap<u16, (&Partition, Vec<(i64, &Ticket)>)> = BTreeMap::new();
        for ticket in tickets {
            let (partition, offset) = self.named(ticket)?;
            by_partition.entry(partition.number).or_insert((partition, Vec::new())).1.push((offset, ticket));
        }
        let mut lost = Vec::new();
        for (partition, named) in by_partition.into_values() {
            let Some((_, Ticket { model, .. })) = named.first() else { continue };
            self.tails.follow(&partition.tail, Start::Committed).await?;
            let jobs = named.iter().map(|(offset, _)| *offset).collect();
            let renew = RenewJobs { worker: worker.to_string(), jobs };
            let JobAnswer::Renewed(gone) = self.ask(partition, model, JobAsk::Renew(renew)).await? else {
                return Err(confused());
            };
            lost.extend(
                named.iter().filter(|(offset, _)| gone.contains(offset)).map(|(_, ticket)| (*ticket).clone()),
            );
        }
        Ok(lost)
    }

    async fn finish(&self, ticket: &Ticket) -> Result<(), Error> {
        let (partition, job) = self.named(ticket)?;
        self.tell(partition, &ticket.model, JobAsk::Finish(FinishJob { job })).await
    }

    async fn release(&self, worker: &Member, ticket: &Ticket) -> Result<(), Error> {
        let (partition, job) = self.named(ticket)?;
        let release = ReleaseJob { worker: worker.to_string(), job };
        self.tell(partition, &ticket.model, JobAsk::Release(release)).await
    }

    /// Kept first, and taken out then: one that dies between the two leaves a job that is buried again.
    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error> {
        let (partition, job) = self.named(ticket)?;
        self.caught_up(partition).await?;
        let now = partition.seen.clock().now();
        let Some((listed, body)) = partition.seen.look(|queue| queue.get(job, now)) else { return Ok(()) };
        if let Some(whole) = self.job(partition, job, body).await? {
            let dead = DeadJob {
                job: whole.encode(),
                reason: reason.to_owned(),
                attempts: listed.attempts,
                enqueued_at_ms: millis((now - listed.age).duration_since(UNIX_EPOCH).unwrap_or_default()),
            };
            self.dead.keep(listed.id, &dead).await?;
        }
        let bury = BuryJob { job, reason: reason.to_owned() };
        self.tell(partition, &ticket.model, JobAsk::Bury(bury)).await
    }

    async fn depth(&self, model: &str) -> Result<Depth, Error> {
        self.depth_of(model).await
    }

    async fn queues(&self) -> Result<Vec<Backlog>, Error> {
        self.backlogs().await
    }

    async fn list(&self, model: &str, status: JobStatus, max: usize) -> Result<Vec<JobEntry>, Error> {
        match status {
            JobStatus::Dead => self.dead.list(model, max).await,
            _ => self.list_queue(model, status, max).await,
        }
    }

    async fn find(&self, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        match self.find_queued(id).await? {
            Some(found) => Ok(Some(found)),
            None => self.dead.find(id).await,
        }
    }

    async fn forget(&self, ticket: &Ticket) -> Result<bool, Error> {
        match dead::named(ticket) {
            Some(id) => self.dead.forget(id).await,
            // That of a job in the queue.
            None => self.named(ticket).map(|_| false),
        }
    }
}

/// FNV-1a: where a model is must not depend on who asks, nor on the version of a library.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
