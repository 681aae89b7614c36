//! The queues of all models.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stream::ResponseId;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    Config,
    expiring::Expiring,
    queue::{Item, Queue, Taken},
};
use crate::{
    Backlog, Claim, Depth, Error, FoundJob, Job, JobEntry, JobQueue, JobStatus, Member, Ticket, rules::later,
};

/// How long a response whose job has left the queue cannot be enqueued again.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// How many forgotten responses each enqueueing takes out of memory.
const PURGED_AT_ONCE: usize = 8;

/// How long one that waits sleeps at most before it looks again. A claim that is made while it sleeps may run out
/// before the ones it knew of, and nothing wakes it then.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The queues.
#[derive(Debug)]
pub(super) struct Jobs {
    queues: Mutex<Queues>,
    max_bytes: usize,
    max_dead: usize,
}

#[derive(Debug)]
struct Queues {
    by_model: HashMap<Arc<str>, Queue>,
    last_entry: u64,
    bytes: usize,
    /// The responses whose jobs are in a queue, or were within the last hour.
    known: Expiring<ResponseId, ()>,
}

/// What a look into a queue came to.
enum Look {
    Claimed(Vec<Claim>),
    Wait { news: Arc<Notify>, run_out: Option<Instant> },
}

impl Jobs {
    pub(super) fn new(config: &Config) -> Self {
        let queues = Queues { by_model: HashMap::new(), last_entry: 0, bytes: 0, known: Expiring::new() };
        Self { queues: Mutex::new(queues), max_bytes: config.max_queue_bytes, max_dead: config.max_dead }
    }

    fn look(&self, model: &str, worker: &Member, max: usize, lease: Duration) -> Look {
        let mut queues = self.queues.lock();
        let (model, queue) = queues.entry(model);
        let taken = queue.claim(worker, max, lease, Instant::now());
        if taken.is_empty() {
            return Look::Wait { news: Arc::clone(&queue.news), run_out: queue.next_run_out() };
        }
        let claim = |(entry, job, attempt): Taken| Claim { job, attempt, ticket: ticket(&model, entry) };
        Look::Claimed(taken.into_iter().map(claim).collect())
    }

    /// Lets `change` work on the queue and the entry of a ticket, if there is such a queue.
    fn with<T>(&self, ticket: &Ticket, change: impl FnOnce(&mut Queues, u64) -> T) -> Result<T, Error> {
        let entry = ticket.entry.parse().map_err(|_| Error::refused("a ticket of another broker"))?;
        let mut queues = self.queues.lock();
        let result = change(&mut queues, entry);
        queues.tidy(&ticket.model);
        Ok(result)
    }
}

impl Queues {
    /// The queue of a model, made if need be.
    fn entry(&mut self, model: &str) -> (Arc<str>, &mut Queue) {
        let model =
            self.by_model.get_key_value(model).map_or_else(|| model.into(), |(model, _)| Arc::clone(model));
        let queue = self.by_model.entry(Arc::clone(&model)).or_default();
        (model, queue)
    }

    fn push(&mut self, job: &Job, max_bytes: usize, now: Instant) -> Result<(), Error> {
        for _ in 0..PURGED_AT_ONCE {
            if self.known.pop_expired(now).is_none() {
                break;
            }
        }
        if self.known.get(&job.id, now).is_some() {
            return Ok(());
        }
        self.make_room(weight(job), max_bytes)?;
        self.bytes += weight(job);
        self.last_entry += 1;
        let entry = self.last_entry;
        self.known.insert(job.id, (), later(now, Duration::MAX));
        self.entry(&job.header.model).1.push(entry, job.clone(), now);
        Ok(())
    }

    /// Forgets buried jobs, until there is room for so many bytes more.
    fn make_room(&mut self, bytes: usize, max_bytes: usize) -> Result<(), Error> {
        while self.bytes + bytes > max_bytes {
            let dead = self.by_model.values_mut().find_map(Queue::forget_oldest);
            let dead = dead.ok_or_else(|| Error::unavailable("its memory is full of jobs that wait"))?;
            self.bytes -= weight(&dead.item.job);
        }
        Ok(())
    }

    /// Takes a job out of the ones to do. It stays known for a while.
    fn take(&mut self, model: &str, entry: u64, now: Instant) -> Option<Item> {
        let item = self.by_model.get_mut(model)?.finish(entry)?;
        self.known.expire(&item.job.id, later(now, REMEMBERED));
        Some(item)
    }

    fn bury(&mut self, model: &str, entry: u64, reason: &str, max_dead: usize, now: Instant) {
        let Some(item) = self.take(model, entry, now) else { return };
        let Some(queue) = self.by_model.get_mut(model) else { return };
        queue.bury(entry, item, reason, now);
        while queue.depth().dead > max_dead as u64
            && let Some(dead) = queue.forget_oldest()
        {
            self.bytes -= weight(&dead.item.job);
        }
    }

    fn find(&self, id: ResponseId, now: Instant) -> Option<FoundJob> {
        let places = self.by_model.iter().flat_map(|(model, queue)| {
            let all = [JobStatus::Waiting, JobStatus::Claimed, JobStatus::Dead];
            all.into_iter().flat_map(move |status| queue.list(status, now)).map(move |found| (model, found))
        });
        let (model, (entry, item, state)) = places.into_iter().find(|(_, (_, item, _))| item.job.id == id)?;
        Some(FoundJob { entry: item.entry(ticket(model, entry), state, now), job: item.job.clone() })
    }

    /// Forgets a queue that is empty: models come and go.
    fn tidy(&mut self, model: &str) {
        if self.by_model.get(model).is_some_and(Queue::is_idle) {
            self.by_model.remove(model);
        }
    }
}

fn ticket(model: &Arc<str>, entry: u64) -> Ticket {
    Ticket { model: Arc::clone(model), entry: entry.to_string().into() }
}

/// What a job costs of the bound on all queues.
fn weight(job: &Job) -> usize {
    size_of::<Job>() + job.request.len()
}

#[async_trait]
impl JobQueue for Jobs {
    async fn enqueue(&self, job: &Job) -> Result<(), Error> {
        self.queues.lock().push(job, self.max_bytes, Instant::now())
    }

    async fn claim(
        &self,
        model: &str,
        worker: &Member,
        max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let deadline = later(Instant::now(), wait);
        if max == 0 {
            return Ok(Vec::new());
        }
        loop {
            // Nothing is awaited between the look and its end, so a claim that was made is always returned.
            let (news, run_out) = match self.look(model, worker, max, lease) {
                Look::Claimed(claims) => return Ok(claims),
                Look::Wait { news, run_out } => (news, run_out),
            };
            let now = Instant::now();
            if now >= deadline {
                break;
            }
            let until = run_out.into_iter().chain([deadline, now + LOOK_AGAIN]).min().unwrap_or(deadline);
            tokio::select! {
                () = news.notified() => {}
                () = sleep_until(until) => {}
            }
        }
        self.queues.lock().tidy(model);
        Ok(Vec::new())
    }

    async fn renew(&self, worker: &Member, tickets: &[Ticket]) -> Result<Vec<Ticket>, Error> {
        let now = Instant::now();
        let mut lost = Vec::new();
        for ticket in tickets {
            let renewed = self.with(ticket, |queues, entry| {
                queues.by_model.get_mut(&ticket.model).is_some_and(|queue| queue.renew(entry, worker, now))
            })?;
            if !renewed {
                lost.push(ticket.clone());
            }
        }
        Ok(lost)
    }

    async fn finish(&self, ticket: &Ticket) -> Result<(), Error> {
        let now = Instant::now();
        self.with(ticket, |queues, entry| {
            let item = queues.take(&ticket.model, entry, now);
            queues.bytes -= item.map_or(0, |item| weight(&item.job));
        })
    }

    async fn release(&self, worker: &Member, ticket: &Ticket) -> Result<(), Error> {
        self.with(ticket, |queues, entry| {
            if let Some(queue) = queues.by_model.get_mut(&ticket.model) {
                queue.release(entry, worker);
            }
        })
    }

    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error> {
        let now = Instant::now();
        self.with(ticket, |queues, entry| queues.bury(&ticket.model, entry, reason, self.max_dead, now))
    }

    async fn depth(&self, model: &str) -> Result<Depth, Error> {
        Ok(self.queues.lock().by_model.get(model).map(Queue::depth).unwrap_or_default())
    }

    async fn queues(&self) -> Result<Vec<Backlog>, Error> {
        let now = Instant::now();
        let queues = self.queues.lock();
        let full = queues.by_model.iter().filter(|(_, queue)| queue.depth() != Depth::default());
        let mut backlogs: Vec<_> = full
            .map(|(model, queue)| Backlog {
                model: model.to_string(),
                depth: queue.depth(),
                oldest: queue.oldest(now),
            })
            .collect();
        drop(queues);
        backlogs.sort_by(|one, other| one.model.cmp(&other.model));
        Ok(backlogs)
    }

    async fn list(&self, model: &str, status: JobStatus, max: usize) -> Result<Vec<JobEntry>, Error> {
        let now = Instant::now();
        let queues = self.queues.lock();
        let Some((model, queue)) = queues.by_model.get_key_value(model) else { return Ok(Vec::new()) };
        let jobs = queue.list(status, now).take(max);
        Ok(jobs.map(|(entry, item, state)| item.entry(ticket(model, entry), state, now)).collect())
    }

    async fn find(&self, id: ResponseId) -> Result<Option<FoundJob>, Error> {
        Ok(self.queues.lock().find(id, Instant::now()))
    }

    async fn forget(&self, ticket: &Ticket) -> Result<bool, Error> {
        self.with(ticket, |queues, entry| {
            let dead = queues.by_model.get_mut(&ticket.model).and_then(|queue| queue.forget(entry));
            queues.bytes -= dead.as_ref().map_or(0, |dead| weight(&dead.item.job));
            dead.is_some()
        })
    }
}
