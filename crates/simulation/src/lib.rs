//! A cluster in one process, in which everything that can go wrong follows from a seed.
//!
//! Real gateways and real workers on the broker in memory, clients that see their responses through, and a model that says
//! what is known beforehand. Between them is what a network and its processes do: calls that fail, come late, take effect twice or
//! take effect unseen; live messages that are lost; processes that die, stand still, or are cut off. Time is
//! simulated, so minutes pass in milliseconds. When all is over everything that anybody was told is held against the
//! streams, and the streams against what the model had to say.
//!
//! One seed is one run of the program (`simulation SEED`): a process of its own, whose randomness is the seed's. See
//! `docs/simulation.md`.

#![expect(clippy::expect_used, reason = "a test whose ground gives way has failed")]

mod dice;
mod journal;
mod ledger;
mod life;

mod cluster;
mod faults;
mod network;
mod pipes;

mod client;
mod model;
mod prompt;

mod check;
mod flaw;
mod run;
mod story;

pub use flaw::Flaw;
pub use run::{Options, Report, run};
