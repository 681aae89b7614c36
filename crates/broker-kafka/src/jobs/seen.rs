//! The jobs of one partition, as far as this process has read.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

use broker::Member;
use parking_lot::Mutex;
use prost::Message as _;
use proto::kafka::{JobAsk, JobEntry};
use tokio::{sync::Notify, time::Instant};

use crate::{
    clock::Clock,
    message::Message,
    queue::{JobAnswer, Queue},
    requests::Requests,
    streams::Shared,
    tails::Sink,
};

/// How long one that waits sleeps at most before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How long a worker leaves a new job to each of those that go before it: long enough for a claim to be written and read.
const STEP: Duration = Duration::from_millis(5);

/// The longest that it does so in all. Then any worker claims.
const FRESH: Duration = Duration::from_millis(25);

/// How many jobs are new at most: when more come in that time, there is enough to do for all.
const MAX_FRESH: usize = 64;

/// The jobs of one partition, as far as this process has read.
pub(super) struct Seen {
    pub(super) requests: Requests<JobAnswer>,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: i64,
    queue: Queue,
    /// What somebody in this process is about to claim, so that nobody else here tries.
    wanted: HashSet<i64>,
    /// When jobs were read of that wait now: the latest.
    fresh: VecDeque<(i64, Instant)>,
}

/// Jobs that one caller is about to claim.
pub(super) struct Wanted<'a> {
    seen: &'a Seen,
    pub(super) jobs: Vec<i64>,
    /// When to look again, if others go first.
    pub(super) look_again: Option<Instant>,
}

impl Seen {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { requests: Requests::new(), shared, state: Mutex::default() }
    }

    /// What `look` sees of the queue.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Queue) -> T) -> T {
        look(&mut self.state.lock().queue)
    }

    pub(super) fn news(&self, model: &str) -> Arc<Notify> {
        self.state.lock().queue.news(model)
    }

    /// Up to `max` jobs of a model that can be claimed now, and nobody in this process is about to claim. A new job is left to
    /// others for a moment if they go first, unless this worker cannot wait.
    pub(super) fn want(&self, model: &str, worker: &Member, max: usize, can_wait: bool) -> Wanted<'_> {
        let (now, instant) = (self.clock().now(), Instant::now());
        let mut state = self.state.lock();
        let State { queue, wanted, fresh, .. } = &mut *state;
        while fresh.front().is_some_and(|(_, read)| *read + FRESH <= instant) {
            fresh.pop_front();
        }
        let (mut jobs, mut look_again) = (Vec::new(), None::<Instant>);
        for job in queue.offer(model, now).filter(|job| !wanted.contains(job)) {
            let read = fresh.iter().find(|(fresh, _)| *fresh == job).map(|(_, read)| *read);
            if let Some(read) = read.filter(|_| can_wait) {
                let before = queue.before(model, job, worker).try_into().unwrap_or(u32::MAX);
                let turn = read + FRESH.min(STEP.saturating_mul(before));
                if turn > instant {
                    look_again = Some(look_again.map_or(turn, |earlier| earlier.min(turn)));
                    continue;
                }
            }
            jobs.push(job);
            if jobs.len() == max {
                break;
            }
        }
        wanted.extend(&jobs);
        Wanted { seen: self, jobs, look_again }
    }

    /// How long until the next claim of a model runs out, as far as is known now.
    pub(super) fn until_run_out(&self, model: &str) -> Duration {
        let run_out = self.state.lock().queue.next_run_out(model);
        let left = run_out.map(|run_out| run_out.duration_since(self.clock().now()).unwrap_or_default());
        // One that is about to be claimed here has run out already: no reason to ask again and again.
        left.map_or(LOOK_AGAIN, |left| left.clamp(Duration::from_millis(1), LOOK_AGAIN))
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.shared.clock
    }
}

impl State {
    fn take(&mut self, offset: i64, model: &str, ask: JobAsk, at: SystemTime) -> Option<JobAnswer> {
        match &ask {
            JobAsk::Enqueue(_) => self.fresh.push_back((offset, Instant::now())),
            JobAsk::Release(release) => self.fresh.push_back((release.job, Instant::now())),
            _ => {}
        }
        while self.fresh.len() > MAX_FRESH {
            self.fresh.pop_front();
        }
        self.queue.carry_out(offset, model, ask, at).ok()
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let mut state = self.seen.state.lock();
        for job in &self.jobs {
            state.wanted.remove(job);
        }
    }
}

impl Sink for Seen {
    fn begin(&self, next: i64) {
        *self.state.lock() = State { next, ..State::default() };
    }

    fn take(&self, message: Message) {
        let Message { offset, at, key, payload } = message;
        let entry = JobEntry::decode(payload).ok();
        let answer = entry.and_then(|JobEntry { process, request, ask }| {
            Some((
                process,
                request,
                self.state.lock().take(offset, std::str::from_utf8(&key).ok()?, ask?, at)?,
            ))
        });
        self.state.lock().next = offset + 1;
        match answer {
            Some((process, request, answer)) if process == self.requests.process => {
                self.clock().observe(at);
                self.requests.answer(request, answer);
            }
            Some(_) => {}
            None => tracing::error!(offset, "an entry about jobs that cannot be read does nothing"),
        }
    }

    /// Jobs that were enqueued before are kept, if they are; those that were enqueued and lost meanwhile nobody knows of.
    fn lose(&self, next: i64) {
        self.state.lock().next = next;
    }

    fn sweep(&self) {
        let now = self.clock().now();
        self.state.lock().queue.tidy(now);
    }

    fn is_needed(&self) -> bool {
        self.state.lock().queue.is_waited_for()
    }

    fn done_up_to(&self) -> Option<i64> {
        let state = self.state.lock();
        Some(state.queue.first().unwrap_or(state.next))
    }
}
