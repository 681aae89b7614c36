//! The stateless producer of Narthex.
//!
//! A worker claims jobs of its models when it has room, calls the model server through an [`engine::Engine`], appends what it
//! says to the response's stream in its own epoch, and finishes the job after the terminal event. It holds nothing
//! whose loss loses data: another worker takes over from the log.

mod clock;
mod composer;
mod config;
mod generate;
mod guarding;
mod metrics;
mod outbox;
mod plan;
mod pool;
mod produce;
mod remember;
mod running;
mod spans;
mod tally;
mod upstream_error;
mod worker;

pub use config::{Config, Continuation, ModelConfig, Timeouts};
pub use metrics::Metrics;
pub use pool::Served;
pub use worker::{Servers, Worker};

#[cfg(test)]
mod tests;
