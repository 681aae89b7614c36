//! Who is known to wait for jobs of a model, so that not everyone writes a claim for each.
//!
//! A hint, and nothing else: which claim is granted, the order of the log decides. Who has read less of the log may think
//! otherwise, and writes a claim in vain.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::{Duration, SystemTime},
};

use broker::{Member, rules::later};

/// How many workers are known at most.
const MAX_KNOWN: usize = 1_000;

/// How long that they wait is remembered when there are no jobs, by those who do not wait themselves.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// The workers of a model.
#[derive(Debug, Default)]
pub(super) struct Ready {
    /// Each with how many more jobs it has room for.
    workers: BTreeMap<Member, u32>,
    /// When the last of them told.
    told: Option<SystemTime>,
}

impl Ready {
    /// A worker said how much room it has left.
    pub(super) fn note(&mut self, worker: &Member, room: u32, now: SystemTime) {
        self.told = Some(now);
        self.workers.insert(worker.clone(), room);
        if self.workers.len() > MAX_KNOWN {
            self.workers.pop_first();
        }
    }

    pub(super) fn is_stale(&self, now: SystemTime) -> bool {
        self.told.is_none_or(|told| later(told, REMEMBERED) <= now)
    }

    /// A worker is done with one of its jobs.
    pub(super) fn has_room_again(&mut self, worker: &Member) {
        if let Some(room) = self.workers.get_mut(worker) {
            *room = room.saturating_add(1);
        }
    }

    /// A worker goes, or is thought to be gone. If it is not, it says so.
    pub(super) fn forget(&mut self, worker: &Member) {
        self.workers.remove(worker);
    }

    pub(super) fn knows(&self, worker: &Member) -> bool {
        self.workers.get(worker).is_some_and(|room| *room > 0)
    }

    /// A job went to `taker`. Who should have been first, and was not, is forgotten.
    pub(super) fn went_to(&mut self, job: i64, taker: &Member) {
        let first = self.with_room().max_by_key(|worker| weight(job, worker)).cloned();
        if let Some(first) = first.filter(|first| first != taker) {
            self.forget(&first);
        }
    }

    /// How many others go before `worker`. The order is another one for each job.
    pub(super) fn before(&self, job: i64, worker: &Member) -> usize {
        let own = Reverse(weight(job, worker));
        self.with_room()
            .filter(|other| *other != worker && (!self.knows(worker) || Reverse(weight(job, other)) < own))
            .count()
    }

    fn with_room(&self) -> impl Iterator<Item = &Member> {
        self.workers.iter().filter(|(_, room)| **room > 0).map(|(worker, _)| worker)
    }
}

/// The highest goes first: rendezvous hashing, so that who comes or goes changes no order between the others. The hash is the
/// same in all processes of one version, which is enough for a hint.
fn weight(job: i64, worker: &Member) -> u64 {
    let mut hasher = DefaultHasher::new();
    (job, worker).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
