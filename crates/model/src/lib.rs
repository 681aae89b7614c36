//! The protocol by which a response survives its gateways and workers, small enough to try every order of events.
//!
//! Tests show that the code does what was thought of; a model checker shows what was not. Here the queue, the log, the
//! workers, the gateways and the readers are states of a few bytes, and every step that one of them can take, every crash
//! and every lost answer is an action. The checker takes all of them in all orders. Records are the
//! code's own [`stream::Record`]s; readers of a log that takes everything judge by the rule in `fence.rs`.
//!
//! What is modelled, what is not, and the figures: `docs/model.md`.

mod admission;
mod bounds;
mod events;
mod fence;
mod log;
mod properties;
mod queue;
mod reader;
mod report;
mod steps;
mod system;
mod writer;

pub use bounds::{Bounds, Faults, LogKind, Safeguard};
pub use report::{breaks, holds};
pub use system::{Action, State, System};

/// By its index: of a response, a gateway, a writer, a reader. There are never more than a handful.
type Index = usize;
