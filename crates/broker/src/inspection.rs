//! What people see of the queues: what waits, who is at work on what, and what died of what.
//!
//! A [`JobEntry`] tells all about a job but its request: that is the user's own, and only
//! [`JobQueue::find`](crate::JobQueue::find) hands it out.

use std::time::Duration;

use stream::ResponseId;

use crate::{Depth, Header, Job, Kind, Member, Ticket};

/// What is in the queue of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The model.
    pub model: String,
    /// How many jobs there are.
    pub depth: Depth,
    /// The age of the oldest job that waits, if one does and the broker can tell.
    pub oldest: Option<Duration>,
}

/// Where a job can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobStatus {
    /// It waits for a worker.
    Waiting,
    /// It is in a worker's hands; or was, and nobody has taken it over yet.
    Claimed,
    /// It was buried.
    Dead,
}

/// A job as it stands, without its request.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEntry {
    /// The response to produce.
    pub id: ResponseId,
    /// What is fixed about it.
    pub header: Header,
    /// A response, or a compaction.
    pub kind: Kind,
    /// By what the queue knows the job.
    pub ticket: Ticket,
    /// How long ago it was enqueued.
    pub age: Duration,
    /// How often it was claimed; a claim that was given back does not count.
    pub attempts: u32,
    /// Where it is.
    pub state: JobState,
}

/// Where a job is, and what is known of it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It waits for a worker.
    Waiting,
    /// A worker has claimed it.
    Claimed {
        /// Who.
        worker: Member,
        /// How long ago the worker claimed it, or renewed its claim.
        quiet: Duration,
    },
    /// It was buried.
    Dead {
        /// Why.
        reason: String,
        /// How long ago.
        since: Duration,
    },
}

impl JobState {
    /// Where it is.
    pub const fn status(&self) -> JobStatus {
        match self {
            Self::Waiting => JobStatus::Waiting,
            Self::Claimed { .. } => JobStatus::Claimed,
            Self::Dead { .. } => JobStatus::Dead,
        }
    }
}

/// A job that was asked for by its response, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundJob {
    /// How it stands.
    pub entry: JobEntry,
    /// The job itself, with its request.
    pub job: Job,
}
