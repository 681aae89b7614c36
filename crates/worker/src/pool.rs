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

/// For how long a failure is told of when no response tries the server again: it may have come back long ago.
const STALE: Duration = Duration::from_secs(600);

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
    model: String,
    /// None is ever taken out.
    servers: Mutex<Vec<Server>>,
    changed: Notify,
}

#[derive(Debug)]
struct Server {
    served: Arc<Served>,
    running: usize,
    /// How often it failed since it last did what was asked.
    failures: u32,
    rests_until: Option<Instant>,
}

impl Server {
    fn room(&self) -> usize {
        self.served.config.concurrency.saturating_sub(self.running)
    }

    fn circuit(&self, now: Instant) -> Circuit {
        match self.rests_until {
            None => Circuit::Closed,
            Some(until) if now < until => Circuit::Open,
            Some(until) if now < until + STALE => Circuit::HalfOpen,
            Some(_) => Circuit::Unknown,
        }
    }

    fn rests(&self, now: Instant) -> bool {
        self.circuit(now) == Circuit::Open
    }
}

/// How a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Circuit {
    /// It did what it was asked.
    Closed,
    /// It failed, and rests.
    Open,
    /// It has rested: the next call tells.
    HalfOpen,
    /// It has rested, and for long no call has told.
    Unknown,
}

/// Room for one response at one server. Dropping it gives the room back.
pub(crate) struct Slot {
    pool: Arc<Pool>,
    at: usize,
    served: Arc<Served>,
}

impl Pool {
    /// The servers of the model with this name: none yet.
    pub(crate) const fn new(model: String) -> Self {
        Self { model, servers: Mutex::new(Vec::new()), changed: Notify::const_new() }
    }

    pub(crate) fn add(&self, served: Served) {
        let served = Arc::new(served);
        self.servers.lock().push(Server { served, running: 0, failures: 0, rests_until: None });
        self.changed.notify_one();
    }

    /// The name that clients ask for.
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// How each server stands, by its name.
    pub(crate) fn circuits(&self) -> Vec<(String, Circuit)> {
        let now = Instant::now();
        let servers = self.servers.lock();
        servers.iter().map(|server| (server.served.engine.server().to_owned(), server.circuit(now))).collect()
    }

    /// Waits until there is room at a server that does not rest. For how many responses, up to a bound. Cancel safe.
    pub(crate) async fn room(&self) -> usize {
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            let (room, awake): (usize, _) = {
                let servers = self.servers.lock();
                let room = servers.iter().filter(|server| !server.rests(now)).map(Server::room).sum();
                let with_room = servers.iter().filter(|server| server.room() > 0);
                (room, with_room.filter_map(|server| server.rests_until).min())
            };
            if room > 0 {
                return room.min(MAX_CLAIMS);
            }
            match awake {
                Some(until) => drop(tokio::time::timeout_at(until, changed).await),
                None => changed.await,
            }
        }
    }

    /// A slot for a job that was claimed: where the most room is. Should responses that changed their server have taken the
    /// room meanwhile, it is one too many for a while. `None` if there is no server at all.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Slot> {
        let now = Instant::now();
        self.enter_best(|_, _| true, |server| (server.rests(now), Reverse(server.room())))
    }

    /// A slot at the server with the most room among those that are `fit` and do not rest.
    fn enter_fit(self: &Arc<Self>, mut fit: impl FnMut(usize, &Served) -> bool) -> Option<Slot> {
        let now = Instant::now();
        let is_free = |server: &Server| server.room() > 0 && !server.rests(now);
        self.enter_best(
            |at, server| is_free(server) && fit(at, &server.served),
            |server| Reverse(server.room()),
        )
    }

    /// The first of equals.
    fn enter_best<O: Ord>(
        self: &Arc<Self>,
        mut fit: impl FnMut(usize, &Server) -> bool,
        order: impl Fn(&Server) -> O,
    ) -> Option<Slot> {
        let mut servers = self.servers.lock();
        let fit = servers.iter_mut().enumerate().filter(|(at, server)| fit(*at, server));
        let (at, server) = fit.min_by_key(|(_, server)| order(server))?;
        server.running += 1;
        let served = Arc::clone(&server.served);
        Some(Slot { pool: Arc::clone(self), at, served })
    }
}

impl Slot {
    /// The server, and how it serves the model.
    pub(crate) fn served(&self) -> &Served {
        &self.served
    }

    /// Which of the pool's servers it is.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// How many servers the model has.
    pub(crate) fn servers(&self) -> usize {
        self.pool.servers.lock().len()
    }

    /// Changes to another server that is `fit` and has room; whether there is one.
    pub(crate) fn change(&mut self, mut fit: impl FnMut(usize, &Served) -> bool) -> bool {
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
        let server = &mut self.pool.servers.lock()[self.at];
        (server.failures, server.rests_until) = (0, None);
    }

    /// The server failed. If it is gone rather than busy, it rests for a while.
    pub(crate) fn failed(&self, fault: Fault) {
        if !matches!(fault, Fault::Unreachable | Fault::Unauthorized) {
            return;
        }
        let server = &mut self.pool.servers.lock()[self.at];
        let (first, longest) = REST;
        let rest = (first * 2u32.pow(server.failures.min(8))).min(longest);
        server.rests_until = Some(Instant::now() + rest);
        server.failures += 1;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.servers.lock()[self.at].running -= 1;
        self.pool.changed.notify_one();
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("at", &self.at).finish_non_exhaustive()
    }
}
