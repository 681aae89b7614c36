//! The vocabulary of Narthex: what a response, an event, a record and an epoch are.
//!
//! Every other crate speaks in these words. Nothing here does I/O or knows a runtime: a broker stores
//! [`Record`]s, a worker makes [`Event`]s, a gateway renders them, and the [`Assembler`] is
//! the rule by which all of them agree on what a stream says.

mod assembler;
mod event;
mod id;
mod record;
mod trace_context;

pub use assembler::{Assembler, OutOfOrder};
pub use event::{Delta, DeltaKind, Event, EventKind, Whole};
pub use id::{InvalidResponseId, ItemKind, ResponseId};
pub use record::{Epoch, MAX_SEQUENCE, Record, Sequence};
pub use trace_context::{TraceContext, TraceId};

#[cfg(test)]
mod tests;
