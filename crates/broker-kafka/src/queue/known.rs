//! The responses that have had a job, so that none is enqueued twice.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, SystemTime},
};

use broker::rules::later;
use stream::ResponseId;

/// How long a response whose job has left the queue cannot be enqueued again.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// How many such responses are remembered at most. Beyond that the oldest is forgotten: if it is enqueued again, its worker
/// finds that it has ended.
const MAX_REMEMBERED: usize = 500_000;

/// Those whose jobs are in the queue, or were just now.
#[derive(Debug, Default)]
pub(super) struct Known {
    all: HashSet<ResponseId>,
    /// Those of them whose jobs have left the queue, in the order in which they did.
    left: VecDeque<(SystemTime, ResponseId)>,
}

impl Known {
    /// Notes a response; whether it was not known.
    pub(super) fn insert(&mut self, id: ResponseId) -> bool {
        self.all.insert(id)
    }

    pub(super) fn contains(&self, id: ResponseId) -> bool {
        self.all.contains(&id)
    }

    /// The response's job leaves the queue.
    pub(super) fn leave(&mut self, id: ResponseId, now: SystemTime) {
        self.left.push_back((now, id));
    }

    /// Forgets those that left long ago.
    pub(super) fn forget(&mut self, now: SystemTime) {
        while self.left.len() > MAX_REMEMBERED
            || self.left.front().is_some_and(|(since, _)| later(*since, REMEMBERED) <= now)
        {
            let Some((_, id)) = self.left.pop_front() else { return };
            self.all.remove(&id);
        }
    }
}
