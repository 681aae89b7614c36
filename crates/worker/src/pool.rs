//! The servers of one model, and the room at each of them.
//!
//! A response takes a [`Slot`] at the server with the most room, and may change to another one when that server fails it.
//! A server that cannot be reached gets nothing for a while; when that is all there are, the worker claims nothing either, so
//! that the jobs go to workers who can do them.

use std::{cmp::Reverse, fmt, sync::Arc, time::Duration};

use engine::{Engine, Fault};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::ModelConfig;

/// At most so many jobs are claimed at once.
const MAX_CLAIMS: usize = 16;

/// How long a server that failed gets nothing new: at first, and at most. It bounds how long a job waits for a worker whose only
/// server has just come back.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// A model and the engine that serves it.
#[derive(Clone)]
pub struct Served {
    /// How to serve it.
    pub config: ModelConfig,
    /// By what.
    pub engine: Arc<dyn Engine>,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("config", &self.config).finish_non_exhaustive()
    }
}

/// All servers of one model.
#[derive(Debug)]
pub(crate) struct Pool {
    servers: Vec<Served>,
    loads: Mutex<Vec<Load>>,
    freed: Notify,
}

#[derive(Debug, Clone, Default)]
struct Load {
    running: usize,
    /// How often it failed since it last did what was asked.
    failures: u32,
    rests_until: Option<Instant>,
}

impl Load {
    fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }
}

/// Room for one response at one server. Dropping it gives the room back.
pub(crate) struct Slot {
    pool: Arc<Pool>,
    at: usize,
}

impl Pool {
    /// A pool for each model that is named, in the order of their names' first appearance.
    pub(crate) fn by_model(served: Vec<Served>) -> Vec<Arc<Self>> {
        let mut groups: Vec<Vec<Served>> = Vec::new();
        for served in served {
            match groups.iter_mut().find(|group| group[0].config.name == served.config.name) {
                Some(group) => group.push(served),
                None => groups.push(vec![served]),
            }
        }
        groups.into_iter().map(|servers| Arc::new(Self::new(servers))).collect()
    }

    fn new(servers: Vec<Served>) -> Self {
        let loads = vec![Load::default(); servers.len()];
        Self { servers, loads: Mutex::new(loads), freed: Notify::new() }
    }

    /// The name that clients ask for.
    pub(crate) fn model(&self) -> &str {
        &self.servers[0].config.name
    }

    /// How many servers there are.
    pub(crate) fn len(&self) -> usize {
        self.servers.len()
    }

    /// Waits until there is room at a server that does not rest. For how many responses, up to a bound. Cancel safe.
    pub(crate) async fn room(&self) -> usize {
        loop {
            let freed = self.freed.notified();
            let now = Instant::now();
            let room: usize = {
                let loads = self.loads.lock();
                let awake = (0..loads.len()).filter(|&at| !loads[at].rests(now));
                awake.map(|at| self.room_at(&loads, at)).sum()
            };
            if room > 0 {
                return room.min(MAX_CLAIMS);
            }
            match self.next_awake() {
                Some(until) => drop(tokio::time::timeout_at(until, freed).await),
                None => freed.await,
            }
        }
    }

    /// A slot for a job that was claimed: where the most room is. Should responses that changed their server have taken the
    /// room meanwhile, it is one too many for a while.
    pub(crate) fn enter(self: &Arc<Self>) -> Slot {
        let now = Instant::now();
        let mut loads = self.loads.lock();
        let order = |&at: &usize| (loads[at].rests(now), Reverse(self.room_at(&loads, at)));
        // There is at least one server.
        let at = (0..self.servers.len()).min_by_key(order).unwrap_or_default();
        loads[at].running += 1;
        drop(loads);
        Slot { pool: Arc::clone(self), at }
    }

    /// A slot at the server with the most room among those that are `fit` and do not rest.
    fn enter_fit(self: &Arc<Self>, fit: impl Fn(usize, &Served) -> bool) -> Option<Slot> {
        let now = Instant::now();
        let mut loads = self.loads.lock();
        let at = (0..self.servers.len())
            .filter(|&at| self.room_at(&loads, at) > 0 && !loads[at].rests(now) && fit(at, &self.servers[at]))
            .min_by_key(|&at| Reverse(self.room_at(&loads, at)))?;
        loads[at].running += 1;
        drop(loads);
        Some(Slot { pool: Arc::clone(self), at })
    }

    fn room_at(&self, loads: &[Load], at: usize) -> usize {
        self.servers[at].config.concurrency.saturating_sub(loads[at].running)
    }

    /// When the first server with room has rested, if one rests.
    fn next_awake(&self) -> Option<Instant> {
        let loads = self.loads.lock();
        (0..loads.len())
            .filter(|&at| self.room_at(&loads, at) > 0)
            .filter_map(|at| loads[at].rests_until)
            .min()
    }
}

impl Slot {
    /// The server, and how it serves the model.
    pub(crate) fn served(&self) -> &Served {
        &self.pool.servers[self.at]
    }

    /// Which of the pool's servers it is.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// How many servers the model has.
    pub(crate) fn servers(&self) -> usize {
        self.pool.len()
    }

    /// Changes to another server that is `fit` and has room; whether there is one.
    pub(crate) fn change(&mut self, fit: impl Fn(usize, &Served) -> bool) -> bool {
        let other = self.pool.enter_fit(|at, served| at != self.at && fit(at, served));
        match other {
            Some(other) => {
                *self = other;
                true
            }
            None => false,
        }
    }

    /// The server did what it was asked.
    pub(crate) fn succeeded(&self) {
        let mut loads = self.pool.loads.lock();
        loads[self.at].failures = 0;
        loads[self.at].rests_until = None;
    }

    /// The server failed. If it is gone rather than busy, it rests for a while.
    pub(crate) fn failed(&self, fault: Fault) {
        if !matches!(fault, Fault::Unreachable | Fault::Unauthorized) {
            return;
        }
        let mut loads = self.pool.loads.lock();
        let load = &mut loads[self.at];
        let (first, longest) = REST;
        load.rests_until = Some(Instant::now() + (first * 2u32.pow(load.failures.min(8))).min(longest));
        load.failures += 1;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.loads.lock()[self.at].running -= 1;
        self.pool.freed.notify_one();
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("at", &self.at).finish_non_exhaustive()
    }
}
