//! Jobs, as the contract has them: a topic of a few partitions, and each model in one of them.
//!
//! Not a group of consumers: in a group a partition's jobs go to one member, however busy it is, no more members than
//! partitions get any, and who is dead is found out by the broker's time-outs. Here every process that serves a model reads
//! its partition, knows what waits, and claims by an entry of its own. The first claim in the log is granted, to whoever has
//! room; leases are judged by the times on the entries. A job that takes long is in nobody's way: the place in the
//! partition is where to begin to read, not what is done. That place is committed as a consumer does, so that the tools
//! that show how far a group is behind show how old the oldest unfinished job is.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use broker::{Claim, Depth, Error, Job, JobQueue, Member, Ticket};
use parking_lot::Mutex;
use prost::Message as _;
use proto::kafka::{BuryJob, ClaimJobs, FinishJob, JobAsk, JobEntry, ReleaseJob, RenewJobs};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    clock::Clock,
    log::{confused, millis},
    message::Message,
    queue::{JobAnswer, Queue, Taken},
    requests::{Place, Requests},
    streams::Shared,
    tails::{Sink, Start, Tail, Tails},
    writer::Writer,
};

/// How long one that waits sleeps at most before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The queues on Kafka.
pub(crate) struct Jobs {
    pub(crate) topic: Arc<str>,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) tails: Arc<Tails>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) timeout: Duration,
    /// The reading goes on as long as this is there.
    pub(crate) _events: Arc<crate::events::Events>,
}

/// One partition: its jobs, and what follows it.
pub(crate) struct Partition {
    number: u16,
    seen: Arc<Seen>,
    pub(crate) tail: Arc<Tail>,
}

/// The jobs of one partition, as far as this process has read.
struct Seen {
    requests: Requests<JobAnswer>,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: i64,
    queue: Queue,
    /// What somebody in this process is about to claim, so that nobody else here tries.
    wanted: HashSet<i64>,
}

/// Jobs that one caller is about to claim.
struct Wanted<'a> {
    seen: &'a Seen,
    jobs: Vec<i64>,
}

/// The partitions of a topic with so many of them.
pub(crate) fn partitions(topic: &Arc<str>, count: u16, shared: &Arc<Shared>) -> Vec<Partition> {
    let partition = |number| {
        let seen = Seen { requests: Requests::new(), shared: Arc::clone(shared), state: Mutex::default() };
        let seen = Arc::new(seen);
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
        let entry = JobEntry { process: 0, request: 0, ask: Some(ask) }.encode_to_vec();
        self.writer.write(&self.place(partition, model), &entry).await
    }

    /// Writes what is asked of jobs, and waits for what comes of it.
    async fn ask(&self, partition: &Partition, model: &str, ask: JobAsk) -> Result<JobAnswer, Error> {
        let entry = |process, request| JobEntry { process, request, ask: Some(ask) }.encode_to_vec();
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
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let (worker, lease_ms) = (worker.to_string(), millis(lease));
        let claim = ClaimJobs { worker, lease_ms, jobs: wanted.jobs.clone() };
        let JobAnswer::Claimed(taken) = self.ask(partition, model, JobAsk::Claim(claim)).await? else {
            return Err(confused());
        };
        let claim = |Taken { offset, job, attempt }| {
            let entry = format!("{}-{offset}", partition.number).into();
            Claim { job, attempt, ticket: Ticket { model: Arc::clone(model), entry } }
        };
        Ok(taken.into_iter().map(claim).collect())
    }
}

#[async_trait]
impl JobQueue for Jobs {
    async fn enqueue(&self, job: &Job) -> Result<(), Error> {
        let model = &job.header.model;
        self.tell(self.of(model)?, model, JobAsk::Enqueue(job.encode())).await
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
        let (begin, mut has_caught_up) = (Instant::now(), false);
        let (partition, name): (_, Arc<str>) = (self.followed(model).await?, model.into());
        let Partition { seen, tail, .. } = partition;
        let news = seen.news(model);
        loop {
            let coming = news.notified();
            tokio::pin!(coming);
            coming.as_mut().enable();
            let wanted = seen.want(model, max);
            if !wanted.jobs.is_empty() {
                let claims = self.take(partition, &name, &wanted, worker, lease).await?;
                if claims.is_empty() {
                    continue;
                }
                return Ok(claims);
            }
            drop(wanted);
            if !has_caught_up {
                self.tails.catch_up(tail).await?;
                has_caught_up = true;
                continue;
            }
            let left = wait.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Ok(Vec::new());
            }
            tokio::select! {
                () = coming => {}
                () = sleep_until(Instant::now() + left.min(seen.until_run_out(model))) => {}
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

    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error> {
        let (partition, job) = self.named(ticket)?;
        let bury = BuryJob { job, reason: reason.to_owned() };
        self.tell(partition, &ticket.model, JobAsk::Bury(bury)).await
    }

    async fn depth(&self, model: &str) -> Result<Depth, Error> {
        let partition = self.followed(model).await?;
        self.tails.catch_up(&partition.tail).await?;
        Ok(partition.seen.state.lock().queue.depth(model))
    }
}

impl Seen {
    fn news(&self, model: &str) -> Arc<Notify> {
        self.state.lock().queue.news(model)
    }

    /// Up to `max` jobs of a model that can be claimed now, and nobody in this process is about to claim.
    fn want(&self, model: &str, max: usize) -> Wanted<'_> {
        let now = self.clock().now();
        let mut state = self.state.lock();
        let State { queue, wanted, .. } = &mut *state;
        let jobs: Vec<_> = queue.offer(model, now).filter(|job| !wanted.contains(job)).take(max).collect();
        wanted.extend(&jobs);
        Wanted { seen: self, jobs }
    }

    /// How long until the next claim of a model runs out, as far as is known now.
    fn until_run_out(&self, model: &str) -> Duration {
        let run_out = self.state.lock().queue.next_run_out(model);
        let left = run_out.map(|run_out| run_out.duration_since(self.clock().now()).unwrap_or_default());
        // One that is about to be claimed here has run out already: no reason to ask again and again.
        left.map_or(LOOK_AGAIN, |left| left.clamp(Duration::from_millis(1), LOOK_AGAIN))
    }

    fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let mut state = self.seen.state.lock();
        for job in &self.jobs {
            state.wanted.remove(job);
        }
    }
}

impl Sink for Seen {
    fn begin(&self, next: i64) {
        *self.state.lock() = State { next, ..State::default() };
    }

    fn take(&self, message: Message) {
        let Message { offset, at, payload, .. } = message;
        let answer = {
            let mut state = self.state.lock();
            state.next = offset + 1;
            let entry = JobEntry::decode(&payload[..]).ok();
            entry.and_then(|JobEntry { process, request, ask }| {
                Some((process, request, state.queue.carry_out(offset, ask?, at).ok()?))
            })
        };
        match answer {
            Some((process, request, answer)) if process == self.requests.process => {
                self.clock().observe(at);
                self.requests.answer(request, answer);
            }
            Some(_) => {}
            None => tracing::error!(offset, "an entry about jobs that cannot be read does nothing"),
        }
    }

    /// Jobs that were enqueued before are kept, if they are; those that were enqueued and lost meanwhile nobody knows of.
    fn lose(&self, next: i64) {
        self.state.lock().next = next;
    }

    fn sweep(&self) {
        self.state.lock().queue.tidy();
    }

    fn done_up_to(&self) -> Option<i64> {
        let state = self.state.lock();
        Some(state.queue.first().unwrap_or(state.next))
    }
}

/// FNV-1a: where a model is must not depend on who asks, nor on the version of a library.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
