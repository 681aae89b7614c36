//! The queue of one model, and every rule of the contract that concerns one queue alone. No clock, no lock.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{Depth, Job, Member, rules::later};

/// The jobs of one model that are not finished. An entry's number is its place in the order of enqueueing.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, Waiting>,
    held: HashMap<u64, Held>,
    /// The claims by when they run out.
    leases: BTreeSet<(Instant, u64)>,
    dead: VecDeque<Dead>,
    /// Wakes one that waits for a job.
    pub(super) news: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    job: Job,
    attempts: u32,
}

#[derive(Debug)]
struct Held {
    job: Job,
    attempts: u32,
    worker: Member,
    lease: Duration,
    until: Instant,
}

/// A buried job, and why it was: kept for whoever debugs the process.
#[derive(Debug)]
pub(super) struct Dead {
    pub(super) job: Job,
    #[expect(dead_code, reason = "read by people, through Debug")]
    pub(super) reason: String,
}

/// A claimed job with its entry and its attempt.
pub(super) type Taken = (u64, Job, u32);

impl Queue {
    pub(super) fn push(&mut self, entry: u64, job: Job) {
        self.waiting.insert(entry, Waiting { job, attempts: 0 });
        self.news.notify_one();
    }

    /// Claims up to `max` jobs: those whose claim has run out, then those that wait.
    pub(super) fn claim(&mut self, worker: &Member, max: usize, lease: Duration, now: Instant) -> Vec<Taken> {
        std::iter::from_fn(|| self.claim_one(worker, lease, now)).take(max).collect()
    }

    fn claim_one(&mut self, worker: &Member, lease: Duration, now: Instant) -> Option<Taken> {
        let (entry, Waiting { job, attempts }) =
            self.pop_run_out(now).or_else(|| self.waiting.pop_first())?;
        let attempts = attempts + 1;
        // A lease of no length would hand the same job out again within this very call.
        let lease = lease.max(Duration::from_millis(1));
        let until = later(now, lease);
        self.leases.insert((until, entry));
        let worker = worker.clone();
        self.held.insert(entry, Held { job: job.clone(), attempts, worker, lease, until });
        Some((entry, job, attempts))
    }

    fn pop_run_out(&mut self, now: Instant) -> Option<(u64, Waiting)> {
        let (until, entry) = *self.leases.first()?;
        if until > now {
            return None;
        }
        let Held { job, attempts, .. } = self.let_go(entry)?;
        Some((entry, Waiting { job, attempts }))
    }

    /// When the next claim runs out.
    pub(super) fn next_run_out(&self) -> Option<Instant> {
        self.leases.first().map(|(until, _)| *until)
    }

    /// Begins a lease anew; whether it was still `worker`'s.
    pub(super) fn renew(&mut self, entry: u64, worker: &Member, now: Instant) -> bool {
        let Some(held) = self.held.get_mut(&entry).filter(|held| held.worker == *worker) else {
            return false;
        };
        self.leases.remove(&(held.until, entry));
        held.until = later(now, held.lease);
        self.leases.insert((held.until, entry));
        true
    }

    /// Takes a job out, whoever has it.
    pub(super) fn finish(&mut self, entry: u64) -> Option<Job> {
        let held = self.let_go(entry).map(|held| held.job);
        held.or_else(|| self.waiting.remove(&entry).map(|waiting| waiting.job))
    }

    /// Puts `worker`'s job back into its place, as if it had not been claimed.
    pub(super) fn release(&mut self, entry: u64, worker: &Member) {
        if self.held.get(&entry).is_some_and(|held| held.worker == *worker)
            && let Some(Held { job, attempts, .. }) = self.let_go(entry)
        {
            self.waiting.insert(entry, Waiting { job, attempts: attempts - 1 });
            self.news.notify_one();
        }
    }

    pub(super) fn bury(&mut self, job: Job, reason: &str) {
        self.dead.push_back(Dead { job, reason: reason.to_owned() });
    }

    /// Forgets the job that was buried first.
    pub(super) fn forget_dead(&mut self) -> Option<Dead> {
        self.dead.pop_front()
    }

    pub(super) fn depth(&self) -> Depth {
        Depth {
            waiting: self.waiting.len() as u64,
            claimed: self.held.len() as u64,
            dead: self.dead.len() as u64,
        }
    }

    /// Whether nothing would be lost if the queue were forgotten.
    pub(super) fn is_idle(&self) -> bool {
        self.depth() == Depth::default() && Arc::strong_count(&self.news) == 1
    }

    fn let_go(&mut self, entry: u64) -> Option<Held> {
        let held = self.held.remove(&entry)?;
        self.leases.remove(&(held.until, entry));
        Some(held)
    }
}
