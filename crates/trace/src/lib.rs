//! What gateways and workers tell of the work on a response: spans that join into one trace across processes.
//!
//! A [`Span`] begins under a [`TraceContext`], which came from a client, a job or a stream's header, and its own context is what
//! is handed on. Where it goes is a [`Recorder`]'s matter, and only the binary has one: nothing here knows of OpenTelemetry.
//!
//! `tracing`'s spans are not used for this. They are scopes of a thread; ours outlive tasks and polls, have their parents in other
//! processes, and one (the wait in a queue) began before anyone here knew of it.
//!
//! **What is not recorded costs nothing.** Without a recorder, or under a context that is not sampled, a span is two empty
//! options: nothing is allocated, no time is read, and the context is handed on as it came.
//!
//! **What must not be told**: prompts, outputs, names of users and tenants, credentials. Attributes are numbers, and names that
//! this system has made or knows.

mod attributes;
mod span;
mod tracer;

pub use attributes::key;
pub use span::{Span, Value};
pub use stream::{TraceContext, TraceId};
pub use tracer::{Beginning, Exceptions, Kind, Recorder, Recording, Tracer};

#[cfg(test)]
mod tests;
