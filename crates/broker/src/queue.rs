//! Jobs, from gateways to workers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use stream::{Event, ResponseId};

use crate::{Backlog, Creation, Error, FoundJob, Job, JobEntry, JobStatus, Member};

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
///
/// # Looking into it
/// The last four methods are for the people who operate a system, not for the path of a token: they may be slow, and what
/// they tell may have changed when it is read. They are optional. A broker whose queues cannot be looked into keeps the
/// defaults, which answer [`Error::Unsupported`]; one that can tell of some jobs only answers so for the
/// [`JobStatus`] of which it cannot, and leaves those out of its counts and of [`find`](Self::find). What it does tell is
/// true: ages by the broker's clock, as exact as it keeps them, attempts and workers as in a [`Claim`].
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Puts a job into the queue of its model. On success it is as durable as the broker is.
    async fn enqueue(&self, job: &Job) -> Result<(), Error>;

    /// Begins the stream of a job with `events`, as [`StreamLog::create`](crate::StreamLog::create) does, and puts the job into
    /// its queue, in one step: both or neither. If the stream exists, nothing happens.
    ///
    /// `None`, and nothing was done, where that is two steps: the stream first, for a worker drops a job that has none.
    async fn begin(&self, job: &Job, events: &[Event]) -> Result<Option<Creation>, Error> {
        let _ = (job, events);
        Ok(None)
    }

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

    /// Takes a job that kills its workers out of the queue and keeps it for inspection, bounded in number and time: the
    /// oldest is forgotten first.
    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error>;

    /// How many jobs of `model` there are.
    async fn depth(&self, model: &str) -> Result<Depth, Error>;

    /// The models that have any jobs, dead ones included, by name.
    async fn queues(&self) -> Result<Vec<Backlog>, Error> {
        Err(Error::Unsupported("tell which queues there are"))
    }

    /// Up to `max` jobs of `model` in this status: those in the queue in its order, dead ones the latest first.
    async fn list(&self, model: &str, status: JobStatus, max: usize) -> Result<Vec<JobEntry>, Error> {
        let _ = (model, status, max);
        Err(Error::Unsupported("list its jobs"))
    }

    /// The job of this response, if it is in any queue or dead.
    async fn find(&self, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        let _ = id;
        Err(Error::Unsupported("find a job by its response"))
    }

    /// Forgets a dead job, and whether there was one. To take a job out of the queue, end its response and
    /// [`finish`](Self::finish) it.
    async fn forget(&self, ticket: &Ticket) -> Result<bool, Error> {
        let _ = ticket;
        Err(Error::Unsupported("forget a dead job"))
    }
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
