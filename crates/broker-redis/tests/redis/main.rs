//! The broker on real Redis servers, which each test starts for itself and kills when it is done.

mod follower;
mod server;

mod standalone;

mod cluster;
mod cluster_breaks;

mod breaks;
mod secure;
mod start;
