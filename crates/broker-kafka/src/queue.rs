//! The jobs of one partition as of a place in it, and what each entry makes of them. A function of the entries alone: no
//! clock, no lock.
//!
//! What becomes of a job depends on the entries that name it, and on no others. So who begins to read at the first job that
//! is not finished comes to the same state as who has read from the beginning. That is why no entry is refused here because
//! there are many: who reads from a later place would count fewer, and take it for accepted.

mod bodies;
mod known;
mod listing;
mod ready;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, SystemTime},
};

use broker::{Depth, Header, Job, Kind, Member, rules::later};
use bytes::Bytes;
use proto::{Invalid, kafka::JobAsk};
use stream::ResponseId;
use tokio::sync::Notify;

pub(crate) use self::listing::Listed;
use self::{bodies::Bodies, known::Known, ready::Ready};

/// The jobs of one partition that are not finished, by the offset at which they were enqueued.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    jobs: BTreeMap<i64, Kept>,
    bodies: Bodies,
    models: HashMap<Arc<str>, Model>,
    known: Known,
}

#[derive(Debug)]
struct Kept {
    head: Head,
    attempts: u32,
    claim: Option<Held>,
}

/// A job without what its user said: that is large, and in the log.
#[derive(Debug)]
struct Head {
    id: ResponseId,
    header: Header,
    kind: Kind,
    enqueued: SystemTime,
}

#[derive(Debug)]
struct Held {
    worker: Member,
    lease: Duration,
    /// When the worker gave its last sign of life.
    seen: SystemTime,
}

/// The jobs of one model.
#[derive(Debug, Default)]
struct Model {
    waiting: BTreeSet<i64>,
    /// The claims by when they run out.
    leases: BTreeSet<(SystemTime, i64)>,
    ready: Ready,
    /// Wakes those who wait for a job.
    news: Arc<Notify>,
}

/// What came of an entry, for whoever asked.
#[derive(Debug)]
pub(crate) enum JobAnswer {
    /// The jobs that were granted.
    Claimed(Vec<Taken>),
    /// The jobs that are another's by now.
    Renewed(Vec<i64>),
    Noted,
}

/// A job that was granted.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) offset: i64,
    /// The `Job`, unless it is only in the log.
    pub(crate) body: Option<Bytes>,
    pub(crate) attempt: u32,
}

impl Queue {
    /// Carries out what the entry at `offset` asks about jobs of `model`, at the time when the broker took it.
    ///
    /// # Errors
    /// When this version cannot read the entry. Then it does nothing.
    pub(crate) fn carry_out(
        &mut self,
        offset: i64,
        model: &str,
        ask: JobAsk,
        now: SystemTime,
    ) -> Result<JobAnswer, Invalid> {
        self.known.forget(now);
        match ask {
            JobAsk::Enqueue(job) => self.enqueue(offset, job, now)?,
            JobAsk::Claim(claim) => {
                let worker = Member::new(claim.worker);
                // A lease of no length would be over before it is heard of.
                let lease = Duration::from_millis(claim.lease_ms.max(1));
                let jobs = claim.jobs.iter();
                let taken: Vec<_> = jobs.filter_map(|job| self.claim(*job, &worker, lease, now)).collect();
                let room = claim.room.saturating_sub(taken.len().try_into().unwrap_or(u32::MAX));
                self.model(model).ready.note(&worker, room, now);
                return Ok(JobAnswer::Claimed(taken));
            }
            JobAsk::Renew(renew) => {
                let worker = Member::new(renew.worker);
                let jobs = renew.jobs.into_iter();
                return Ok(JobAnswer::Renewed(jobs.filter(|job| !self.renew(*job, &worker, now)).collect()));
            }
            JobAsk::Finish(finish) => drop(self.take(finish.job, now)),
            JobAsk::Release(release) => self.release(release.job, &Member::new(release.worker)),
            // It is kept elsewhere: that was done before.
            JobAsk::Bury(bury) => drop(self.take(bury.job, now)),
        }
        Ok(JobAnswer::Noted)
    }

    fn enqueue(&mut self, offset: i64, body: Bytes, now: SystemTime) -> Result<(), Invalid> {
        let Job { id, header, kind, .. } = Job::decode(&body)?;
        if !self.known.insert(id) {
            return Ok(());
        }
        let model = self.model(&header.model);
        model.waiting.insert(offset);
        model.news.notify_waiters();
        self.bodies.put(offset, body);
        let head = Head { id, header, kind, enqueued: now };
        self.jobs.insert(offset, Kept { head, attempts: 0, claim: None });
        Ok(())
    }

    fn claim(&mut self, offset: i64, worker: &Member, lease: Duration, now: SystemTime) -> Option<Taken> {
        let kept = self.jobs.get_mut(&offset)?;
        let model = self.models.get_mut(&*kept.head.header.model)?;
        match &kept.claim {
            Some(held) if held.until() > now => return None,
            Some(held) => {
                model.leases.remove(&(held.until(), offset));
                model.ready.forget(&held.worker);
            }
            None => drop(model.waiting.remove(&offset)),
        }
        model.ready.went_to(offset, worker);
        let held = Held { worker: worker.clone(), lease, seen: now };
        model.leases.insert((held.until(), offset));
        kept.attempts += 1;
        kept.claim = Some(held);
        self.bodies.note(offset, true);
        Some(Taken { offset, body: self.bodies.get(offset), attempt: kept.attempts })
    }

    /// Begins a lease anew; whether it was still `worker`'s.
    fn renew(&mut self, offset: i64, worker: &Member, now: SystemTime) -> bool {
        let Some(kept) = self.jobs.get_mut(&offset) else { return false };
        let Some(held) = kept.claim.as_mut().filter(|held| held.worker == *worker) else { return false };
        if let Some(model) = self.models.get_mut(&*kept.head.header.model) {
            model.leases.remove(&(held.until(), offset));
            held.seen = now;
            model.leases.insert((held.until(), offset));
        }
        true
    }

    /// Puts `worker`'s job back into its place, as if it had not been claimed.
    fn release(&mut self, offset: i64, worker: &Member) {
        let Some(kept) = self.jobs.get_mut(&offset) else { return };
        let Some(held) = kept.claim.take_if(|held| held.worker == *worker) else { return };
        kept.attempts -= 1;
        self.bodies.note(offset, false);
        if let Some(model) = self.models.get_mut(&*kept.head.header.model) {
            model.leases.remove(&(held.until(), offset));
            model.ready.forget(worker);
            model.waiting.insert(offset);
            model.news.notify_waiters();
        }
    }

    /// Takes a job out, whoever has it.
    fn take(&mut self, offset: i64, now: SystemTime) -> Option<Head> {
        let Kept { head, claim, .. } = self.jobs.remove(&offset)?;
        let model = self.model(&head.header.model);
        match claim {
            Some(held) => {
                model.leases.remove(&(held.until(), offset));
                model.ready.has_room_again(&held.worker);
            }
            None => drop(model.waiting.remove(&offset)),
        }
        self.bodies.remove(offset);
        self.known.leave(head.id, now);
        Some(head)
    }

    /// The queue of a model, made if need be.
    fn model(&mut self, name: &str) -> &mut Model {
        if !self.models.contains_key(name) {
            self.models.insert(name.into(), Model::default());
        }
        self.models.entry(name.into()).or_default()
    }

    /// Keeps the bodies of jobs from now on, up to so many bytes: somebody in this process claims jobs.
    pub(crate) fn keep_bodies(&mut self, max_bytes: usize) {
        self.bodies.allow(max_bytes);
    }

    /// Whether a model has so many jobs that a new one is too much.
    pub(crate) fn is_full(&self, job: &Job, max_jobs: u64) -> bool {
        let Depth { waiting, claimed, .. } = self.depth(&job.header.model);
        // One that was enqueued before is not new.
        waiting + claimed >= max_jobs && !self.known.contains(job.id)
    }

    /// What wakes those who wait for jobs of a model.
    pub(crate) fn news(&mut self, model: &str) -> Arc<Notify> {
        Arc::clone(&self.model(model).news)
    }

    /// The jobs of a model that can be claimed now: those whose claim has run out, then those that wait.
    pub(crate) fn offer(&self, model: &str, now: SystemTime) -> impl Iterator<Item = i64> {
        let model = self.models.get(model);
        let run_out = model.into_iter().flat_map(move |model| {
            model.leases.iter().take_while(move |(until, _)| *until <= now).map(|(_, offset)| *offset)
        });
        run_out.chain(model.into_iter().flat_map(|model| model.waiting.iter().copied()))
    }

    /// How many other workers are known to wait that go before `worker` at a job.
    pub(crate) fn before(&self, model: &str, job: i64, worker: &Member) -> usize {
        self.models.get(model).map_or(0, |model| model.ready.before(job, worker))
    }

    /// Whether all know that `worker` waits for jobs of a model.
    pub(crate) fn knows(&self, model: &str, worker: &Member) -> bool {
        self.models.get(model).is_some_and(|model| model.ready.knows(worker))
    }

    /// When the next claim of a model runs out.
    pub(crate) fn next_run_out(&self, model: &str) -> Option<SystemTime> {
        self.models.get(model)?.leases.first().map(|(until, _)| *until)
    }

    /// How many jobs there are, dead ones left out.
    pub(crate) fn depth(&self, model: &str) -> Depth {
        self.models.get(model).map_or(Depth::default(), |model| Depth {
            waiting: model.waiting.len() as u64,
            claimed: model.leases.len() as u64,
            dead: 0,
        })
    }

    /// The offset of the first job that is not finished.
    pub(crate) fn first(&self) -> Option<i64> {
        self.jobs.keys().next().copied()
    }

    /// Whether somebody in this process waits for jobs.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.models.values().any(|model| Arc::strong_count(&model.news) > 1)
    }

    /// Forgets the queues of models that have no jobs, and for which nobody waits: models come and go.
    pub(crate) fn tidy(&mut self, now: SystemTime) {
        self.models.retain(|_, model| {
            let is_empty = model.waiting.is_empty() && model.leases.is_empty() && model.ready.is_stale(now);
            !is_empty || Arc::strong_count(&model.news) > 1
        });
    }
}

impl Held {
    /// When the claim runs out.
    fn until(&self) -> SystemTime {
        later(self.seen, self.lease)
    }
}

#[cfg(test)]
mod tests;
