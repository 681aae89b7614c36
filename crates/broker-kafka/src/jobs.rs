//! Jobs, as the contract has them: a topic of a few partitions, and each model in one of them.
//!
//! Not a group of consumers: in a group a partition's jobs go to one member, however busy it is, no more members than
//! partitions get any, and who is dead is found out by the broker's time-outs. Here every process that serves a model reads
//! its partition, knows what waits, and claims by an entry of its own. The first claim in the log is granted, to whoever has
//! room; leases are judged by the times on the entries. A job that takes long is in nobody's way: the place in the
//! partition is where to begin to read, not what is done. That place is committed as a consumer does, so that the tools
//! that show how far a group is behind show how old the oldest unfinished job is.

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
use bytes::Bytes;
use futures_util::future::join_all;
use prost::Message as _;
use proto::kafka::{self, BuryJob, ClaimJobs, DeadJob, FinishJob, JobAsk, ReleaseJob, RenewJobs};
use stream::ResponseId;
use tokio::time::{Instant, sleep_until};

pub(crate) use self::dead::{Dead, Graves};
use self::seen::{Seen, Wanted};
use crate::{
    error::unreadable,
    events,
    log::{confused, millis},
    older::{Older, Range},
    queue::{JobAnswer, Listed, Taken},
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
    pub(crate) _events: Arc<events::Events>,
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

    async fn take(
        &self,
        partition: &Partition,
        model: &Arc<str>,
        wanted: &Wanted<'_>,
        worker: &Member,
        max: usize,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let claim = claim_of(worker, lease, wanted.jobs.clone(), max);
        let JobAnswer::Claimed(taken) = self.ask(partition, model, JobAsk::Claim(claim)).await? else {
            return Err(confused());
        };
        let claims = join_all(taken.into_iter().map(|taken| self.claimed(partition, model, worker, taken)));
        let (claims, failed): (Vec<_>, Vec<_>) = claims.await.into_iter().partition(Result::is_ok);
        match failed.into_iter().find_map(Result::err) {
            Some(error) if claims.is_empty() => Err(error),
            _ => Ok(claims.into_iter().flatten().flatten().collect()),
        }
    }

    /// The claim of a job that was granted; none if the job itself is gone.
    async fn claimed(
        &self,
        partition: &Partition,
        model: &Arc<str>,
        worker: &Member,
        taken: Taken,
    ) -> Result<Option<Claim>, Error> {
        let Taken { offset, body, attempt } = taken;
        let ticket = partition.ticket(model, offset);
        match self.job(partition, offset, body).await {
            Ok(Some(job)) => Ok(Some(Claim { job, attempt, ticket })),
            Ok(None) => {
                tracing::error!(%model, offset, "a job has waited for longer than its topic keeps records");
                self.finish(&ticket).await?;
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%model, offset, %error, "failed to read a job that was claimed");
                // If that fails, too, the claim runs out.
                let _ = self.release(worker, &ticket).await;
                Err(error)
            }
        }
    }

    /// A job, from the log if need be; `None` if it is no longer there.
    async fn job(
        &self,
        partition: &Partition,
        offset: i64,
        body: Option<Bytes>,
    ) -> Result<Option<Job>, Error> {
        let body = match body {
            Some(body) => body,
            None => {
                let range = Range::one(&self.topic, partition.number.into(), offset);
                let found = events::read(&self.older, &self.tails, &partition.tail, range).await?;
                let Some(message) = found.into_iter().next() else { return Ok(None) };
                match kafka::JobEntry::decode(message.payload).map_err(unreadable)?.ask {
                    Some(JobAsk::Enqueue(body)) => body,
                    _ => return Err(unreadable("an entry that is no job")),
                }
            }
        };
        Job::decode(&body).map(Some).map_err(unreadable)
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
        let partition = self.followed(model).await?;
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

fn claim_of(worker: &Member, lease: Duration, jobs: Vec<i64>, room: usize) -> ClaimJobs {
    let room = room.try_into().unwrap_or(u32::MAX);
    ClaimJobs { worker: worker.to_string(), lease_ms: millis(lease), jobs, room }
}

/// FNV-1a: where a model is must not depend on who asks, nor on the version of a library.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
