//! The jobs of one partition, as far as this process has read.

use std::{collections::HashSet, sync::Arc, time::Duration};

use parking_lot::Mutex;
use prost::Message as _;
use proto::kafka::JobEntry;
use tokio::sync::Notify;

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
}

/// Jobs that one caller is about to claim.
pub(super) struct Wanted<'a> {
    seen: &'a Seen,
    pub(super) jobs: Vec<i64>,
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

    /// Up to `max` jobs of a model that can be claimed now, and nobody in this process is about to claim.
    pub(super) fn want(&self, model: &str, max: usize) -> Wanted<'_> {
        let now = self.clock().now();
        let mut state = self.state.lock();
        let State { queue, wanted, .. } = &mut *state;
        let jobs: Vec<_> = queue.offer(model, now).filter(|job| !wanted.contains(job)).take(max).collect();
        wanted.extend(&jobs);
        Wanted { seen: self, jobs }
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
        let Message { offset, at, payload, .. } = message;
        let answer = {
            let mut state = self.state.lock();
            state.next = offset + 1;
            let entry = JobEntry::decode(&payload[..]).ok();
            entry.and_then(|JobEntry { process, request, ask }| {
                Some((process, request, state.queue.carry_out(offset, ask?, at).ok()?))
            })
        };
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
        self.state.lock().queue.tidy();
    }

    fn done_up_to(&self) -> Option<i64> {
        let state = self.state.lock();
        Some(state.queue.first().unwrap_or(state.next))
    }
}
