//! What one event costs in each hot spot.
//!
//! A [`Case`] does one thing to a few hundred events, again and again. Valgrind counts its instructions, which no noisy machine
//! blurs and which are held against a recorded [`Baseline`] (`src/main.rs`); and divan takes the time of the same cases
//! (`benches/time.rs`). Whole gateways and workers are reached as everyone reaches them: nothing is public for this alone. What is
//! measured, and how to move the baseline: `docs/micro-benchmarks.md`.

#![expect(clippy::expect_used, reason = "what cannot be here is a bug of a case")]

mod case;
mod cases;
mod samples;

mod baseline;
mod count;

pub use baseline::{Baseline, Finding, MAX_CHANGE};
pub use case::{CASES, Case, EVENTS};
pub use count::count;
