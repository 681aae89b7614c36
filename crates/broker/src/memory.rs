//! The broker inside the process: what one binary runs on with nothing else installed, and what tests run clusters on.
//!
//! It keeps the same contract as the others, but it is as durable as the process: when that ends, all is forgotten.
//! Any number of gateways and workers of one process share one [`Broker`].
//!
//! There is no background task. What has expired is treated as gone at once, and is taken out of memory a few entries
//! at a time by the calls that add something. Locks are held for map operations only, never over an `await` or a call
//! of a listener. Time is tokio's, so a test can pause it.

mod control;
mod expiring;
mod jobs;
mod live;
mod log;
mod queue;
mod store;
mod tallies;

use std::{sync::Arc, time::Duration};

use self::{control::MemoryControl, jobs::Jobs, log::Log, store::Values};
use crate::Broker;

/// A broker in memory with the default [`Config`].
pub fn broker() -> Broker {
    Memory::new(Config::default()).broker()
}

/// The bounds of a broker in memory, and what happens at each.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long a stream lives after its last append.
    pub log_ttl: Duration,
    /// How many streams there are at most. At the bound, the one that ended first makes room; a resume of it finds
    /// nothing. If none has ended, a new one is [unavailable](crate::Error::Unavailable).
    pub max_streams: usize,
    /// How many bytes the events of all streams hold at most. At the bound, expired streams make room, then those that
    /// ended, in the order in which they did. If none is left, what shall be added is unavailable.
    pub max_log_bytes: usize,
    /// How many bytes the jobs in all queues hold at most. At the bound, buried jobs make room; if none is left, a new
    /// job is unavailable.
    pub max_queue_bytes: usize,
    /// How many buried jobs each model keeps for inspection. At the bound, the oldest is forgotten.
    pub max_dead: usize,
    /// How many bytes the store holds at most, keys included. At the bound, the value that would expire first makes
    /// room: its reader finds nothing, as if it had expired. A value that is larger than this is refused.
    pub max_store_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            log_ttl: Duration::from_secs(60 * 60),
            max_streams: 200_000,
            max_log_bytes: 1 << 30,
            max_queue_bytes: 256 << 20,
            max_dead: 1_000,
            max_store_bytes: 256 << 20,
        }
    }
}

/// The state behind the four traits.
#[derive(Debug)]
pub struct Memory {
    log: Arc<Log>,
    jobs: Arc<Jobs>,
    control: Arc<MemoryControl>,
    store: Arc<Values>,
}

impl Memory {
    /// An empty broker.
    pub fn new(config: Config) -> Self {
        let log = Arc::new(Log::new(&config));
        Self {
            jobs: Arc::new(Jobs::new(&config)),
            control: Arc::new(MemoryControl::new(Arc::clone(&log))),
            store: Arc::new(Values::new(&config)),
            log,
        }
    }

    /// The four traits on this state. Every broker that is made from one `Memory` is the same broker.
    pub fn broker(&self) -> Broker {
        Broker {
            jobs: Arc::clone(&self.jobs) as _,
            log: Arc::clone(&self.log) as _,
            control: Arc::clone(&self.control) as _,
            store: Arc::clone(&self.store) as _,
        }
    }
}

#[cfg(test)]
mod tests;
