//! What is told of the jobs of a queue.

use std::time::{Duration, SystemTime};

use broker::{Backlog, Depth, Header, JobState, JobStatus, Kind};
use bytes::Bytes;
use stream::ResponseId;

use super::{Kept, Queue};

/// A job as it stands.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) offset: i64,
    pub(crate) id: ResponseId,
    pub(crate) header: Header,
    pub(crate) kind: Kind,
    pub(crate) age: Duration,
    pub(crate) attempts: u32,
    pub(crate) state: JobState,
}

impl Queue {
    /// The models that have any jobs.
    pub(crate) fn backlogs(&self, now: SystemTime) -> Vec<Backlog> {
        let full = self.models.keys().map(|name| (name, self.depth(name)));
        let full = full.filter(|(_, depth)| *depth != Depth::default());
        full.map(|(name, depth)| Backlog { model: name.to_string(), depth, oldest: self.oldest(name, now) })
            .collect()
    }

    /// The age of the oldest job of a model that waits.
    fn oldest(&self, model: &str, now: SystemTime) -> Option<Duration> {
        let first = self.models.get(model)?.waiting.first()?;
        Some(since(self.jobs.get(first)?.head.enqueued, now))
    }

    /// Up to `max` jobs of a model, in the order of the queue.
    pub(crate) fn list(&self, model: &str, status: JobStatus, max: usize, now: SystemTime) -> Vec<Listed> {
        let jobs = self.jobs.iter().filter(|(_, kept)| kept.head.header.model == model);
        let jobs = jobs.filter(|(_, kept)| kept.status() == status);
        jobs.take(max).map(|(offset, kept)| kept.listed(*offset, now)).collect()
    }

    /// The job of a response, and the `Job`, if that is here.
    pub(crate) fn find(&self, id: ResponseId, now: SystemTime) -> Option<(Listed, Option<Bytes>)> {
        let (offset, kept) = self.jobs.iter().find(|(_, kept)| kept.head.id == id)?;
        Some((kept.listed(*offset, now), self.bodies.get(*offset)))
    }

    /// The job at `offset`, and the `Job`, if that is here.
    pub(crate) fn get(&self, offset: i64, now: SystemTime) -> Option<(Listed, Option<Bytes>)> {
        Some((self.jobs.get(&offset)?.listed(offset, now), self.bodies.get(offset)))
    }
}

impl Kept {
    const fn status(&self) -> JobStatus {
        match self.claim {
            Some(_) => JobStatus::Claimed,
            None => JobStatus::Waiting,
        }
    }

    fn listed(&self, offset: i64, now: SystemTime) -> Listed {
        let state = match &self.claim {
            Some(held) => JobState::Claimed { worker: held.worker.clone(), quiet: since(held.seen, now) },
            None => JobState::Waiting,
        };
        let age = since(self.head.enqueued, now);
        let (id, header, kind) = (self.head.id, self.head.header.clone(), self.head.kind);
        Listed { offset, id, header, kind, age, attempts: self.attempts, state }
    }
}

/// How long ago something was. What was read just now may be a little ahead of an estimated clock.
fn since(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}
