//! Jobs, from gateways to workers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Error, Job, Member};

/// A durable queue of jobs for each model. Workers pull when they have room, so load balances itself.
///
/// # Contract
/// - A job that [`enqueue`](Self::enqueue) accepted is claimed by some worker, again and again, until it is
///   [finished](Self::finish) or [buried](Self::bury). It may be claimed by two workers at once (the first was
///   only slow): the epoch of the stream decides between them.
/// - Enqueueing is idempotent: for a response whose job is in the queue, or was within the last hour, nothing happens.
/// - A claim holds for its lease. Whoever does not renew it in time loses it to the next caller of
///   [`claim`](Self::claim), which sees the attempt counted one higher.
/// - Unclaimed jobs of a model are handed out in the order of their enqueueing, as far as one broker shard can tell.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Puts a job into the queue of its model. On success it is as durable as the broker is.
    async fn enqueue(&self, job: &Job) -> Result<(), Error>;

    /// Claims up to `max` jobs of `model` for `lease`; waits up to `wait` for the first one.
    ///
    /// Jobs whose claim has run out come first. An empty answer means that the wait is over.
    ///
    /// Cancel safe in the sense that counts: a claim that is dropped unseen runs out and is handed out again.
    async fn claim(
        &self,
        model: &str,
        worker: &Member,
        max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error>;

    /// Begins the leases of these claims anew, and returns those that are no longer `worker`'s.
    async fn renew(&self, worker: &Member, tickets: &[Ticket]) -> Result<Vec<Ticket>, Error>;

    /// The response has ended: the job leaves the queue, whoever claims it now.
    async fn finish(&self, ticket: &Ticket) -> Result<(), Error>;

    /// Gives a claim back at once, for another worker to take before all that wait, without counting it as an attempt.
    /// A claim that is no longer `worker`'s stays as it is.
    async fn release(&self, worker: &Member, ticket: &Ticket) -> Result<(), Error>;

    /// Takes a job that kills its workers out of the queue and keeps it for inspection.
    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error>;

    /// How many jobs of `model` there are.
    async fn depth(&self, model: &str) -> Result<Depth, Error>;
}

/// A job in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What to do.
    pub job: Job,
    /// How often it was claimed, this time included.
    pub attempt: u32,
    /// By what the queue knows the claim.
    pub ticket: Ticket,
}

/// By what the queue knows a claimed job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The queue.
    pub model: Arc<str>,
    /// The job's place in it; its form is the broker's own.
    pub entry: Arc<str>,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Jobs that wait for a worker.
    pub waiting: u64,
    /// Jobs in workers' hands.
    pub claimed: u64,
    /// Jobs that were buried.
    pub dead: u64,
}
