//! What Narthex asks of a broker.
//!
//! Four traits, each a contract that its documentation states and the conformance suite tries to break:
//! the [`JobQueue`] carries jobs from gateways to workers, the [`StreamLog`] is the truth about every stream,
//! [`Control`] carries what is not data (stops, attendance, the roster of models), and the [`Store`] keeps state
//! that is looked up by key. Nobody above these traits knows which broker is there.
//!
//! Gateways and workers never talk to each other directly: all that passes between them passes through here.

mod control;
mod error;
mod finding;
mod inspection;
mod log;
mod queue;
mod store;

pub mod account;
pub mod memory;
pub mod rules;

#[cfg(feature = "conformance")]
pub mod conformance;

use std::{fmt, sync::Arc};

pub use control::{Control, Model, Stop, StopListener};
pub use error::{AppendError, Error, OpenError};
pub use finding::{Finding, Verdict};
pub use inspection::{Backlog, FoundJob, JobEntry, JobState, JobStatus};
pub use log::{Appended, Creation, Listener, Listening, OpenMode, Opened, Page, StreamLog, check_events};
pub use proto::{Header, Job, Kind};
pub use queue::{Claim, Depth, JobQueue, Ticket};
pub use store::Store;

/// A connected broker: the four traits, together. Cloning shares it.
#[derive(Clone)]
pub struct Broker {
    /// Jobs, from gateways to workers.
    pub jobs: Arc<dyn JobQueue>,
    /// Streams, from workers to gateways.
    pub log: Arc<dyn StreamLog>,
    /// Stops, attendance, and which models there are.
    pub control: Arc<dyn Control>,
    /// State by key.
    pub store: Arc<dyn Store>,
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Broker")
    }
}

/// The name of one gateway or worker process, unique among all that ever ran.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member(Arc<str>);

impl Member {
    /// The member with this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// A name that nobody has had before: `role` and random digits.
    pub fn random(role: &str) -> Self {
        let bits = stream::ResponseId::random(0).random_bits() as u64;
        Self::new(format!("{role}-{bits:016x}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
