//! Two gateways, two workers, one Redis, one model server: real processes on real sockets, and what happens to their clients
//! when one of them is killed.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

mod deaf;
mod jobs;
mod kill;
mod latency;
mod lost;
mod metrics;
mod pushed;
mod recover;
mod secure;
mod storeless;
mod support;
mod trace_cost;
mod traces;
