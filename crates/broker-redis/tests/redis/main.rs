//! The broker on real Redis servers, which each test starts for itself and kills when it is done.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

mod follower;
mod server;

mod standalone;

mod cluster;
mod cluster_breaks;
mod examined;

mod bounds;
mod breaks;
mod inbox;
mod secure;
mod start;
mod together;
