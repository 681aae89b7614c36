//! The queue of one model, and every rule of the contract that concerns one queue alone. No clock, no lock.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{Depth, Job, JobEntry, JobState, JobStatus, Member, Ticket, rules::later};

/// The jobs of one model that are not finished. An entry's number is its place in the order of enqueueing.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, Item>,
    held: BTreeMap<u64, Held>,
    /// The claims by when they run out.
    leases: BTreeSet<(Instant, u64)>,
    dead: VecDeque<Dead>,
    /// Wakes one that waits for a job.
    pub(super) news: Arc<Notify>,
}

/// A job, wherever it is.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) job: Job,
    enqueued: Instant,
    attempts: u32,
}

#[derive(Debug)]
struct Held {
    item: Item,
    worker: Member,
    lease: Duration,
    /// When the worker gave its last sign of life.
    seen: Instant,
}

/// A buried job, and why it was.
#[derive(Debug)]
pub(super) struct Dead {
    entry: u64,
    pub(super) item: Item,
    reason: String,
    buried: Instant,
}

/// A claimed job with its entry and its attempt.
pub(super) type Taken = (u64, Job, u32);

impl Queue {
    pub(super) fn push(&mut self, entry: u64, job: Job, now: Instant) {
        self.waiting.insert(entry, Item { job, enqueued: now, attempts: 0 });
        self.news.notify_one();
    }

    /// Claims up to `max` jobs: those whose claim has run out, then those that wait.
    pub(super) fn claim(&mut self, worker: &Member, max: usize, lease: Duration, now: Instant) -> Vec<Taken> {
        std::iter::from_fn(|| self.claim_one(worker, lease, now)).take(max).collect()
    }

    fn claim_one(&mut self, worker: &Member, lease: Duration, now: Instant) -> Option<Taken> {
        let (entry, mut item) = self.pop_run_out(now).or_else(|| self.waiting.pop_first())?;
        item.attempts += 1;
        let taken = (entry, item.job.clone(), item.attempts);
        // A lease of no length would hand the same job out again within this very call.
        let lease = lease.max(Duration::from_millis(1));
        let held = Held { item, worker: worker.clone(), lease, seen: now };
        self.leases.insert((held.until(), entry));
        self.held.insert(entry, held);
        Some(taken)
    }

    fn pop_run_out(&mut self, now: Instant) -> Option<(u64, Item)> {
        let (until, entry) = *self.leases.first()?;
        if until > now {
            return None;
        }
        Some((entry, self.let_go(entry)?))
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
        self.leases.remove(&(held.until(), entry));
        held.seen = now;
        self.leases.insert((held.until(), entry));
        true
    }

    /// Takes a job out, whoever has it.
    pub(super) fn finish(&mut self, entry: u64) -> Option<Item> {
        self.let_go(entry).or_else(|| self.waiting.remove(&entry))
    }

    /// Puts `worker`'s job back into its place, as if it had not been claimed.
    pub(super) fn release(&mut self, entry: u64, worker: &Member) {
        if self.held.get(&entry).is_some_and(|held| held.worker == *worker)
            && let Some(item) = self.let_go(entry)
        {
            self.waiting.insert(entry, Item { attempts: item.attempts - 1, ..item });
            self.news.notify_one();
        }
    }

    pub(super) fn bury(&mut self, entry: u64, item: Item, reason: &str, now: Instant) {
        self.dead.push_back(Dead { entry, item, reason: reason.to_owned(), buried: now });
    }

    /// Forgets the job that was buried first.
    pub(super) fn forget_oldest(&mut self) -> Option<Dead> {
        self.dead.pop_front()
    }

    /// Forgets a buried job.
    pub(super) fn forget(&mut self, entry: u64) -> Option<Dead> {
        let at = self.dead.iter().position(|dead| dead.entry == entry)?;
        self.dead.remove(at)
    }

    /// How long the oldest job that waits has been there.
    pub(super) fn oldest(&self, now: Instant) -> Option<Duration> {
        self.waiting.values().next().map(|item| now - item.enqueued)
    }

    /// The jobs in this status with their entries: those in the queue in its order, dead ones the latest first.
    pub(super) fn list(
        &self,
        status: JobStatus,
        now: Instant,
    ) -> Box<dyn Iterator<Item = (u64, &Item, JobState)> + '_> {
        match status {
            JobStatus::Waiting => {
                Box::new(self.waiting.iter().map(|(entry, item)| (*entry, item, JobState::Waiting)))
            }
            JobStatus::Claimed => Box::new(self.held.iter().map(move |(entry, held)| {
                let state = JobState::Claimed { worker: held.worker.clone(), quiet: now - held.seen };
                (*entry, &held.item, state)
            })),
            JobStatus::Dead => Box::new(self.dead.iter().rev().map(move |dead| {
                let state = JobState::Dead { reason: dead.reason.clone(), since: now - dead.buried };
                (dead.entry, &dead.item, state)
            })),
        }
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

    fn let_go(&mut self, entry: u64) -> Option<Item> {
        let held = self.held.remove(&entry)?;
        self.leases.remove(&(held.until(), entry));
        Some(held.item)
    }
}

impl Item {
    /// What is told of the job at `entry`.
    pub(super) fn entry(&self, ticket: Ticket, state: JobState, now: Instant) -> JobEntry {
        let Self { job, enqueued, attempts } = self;
        JobEntry {
            id: job.id,
            header: job.header.clone(),
            kind: job.kind,
            ticket,
            age: now - *enqueued,
            attempts: *attempts,
            state,
        }
    }
}

impl Held {
    /// When the claim runs out.
    fn until(&self) -> Instant {
        later(self.seen, self.lease)
    }
}
