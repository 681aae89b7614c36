//! The broker on a real Kafka node, which all tests of this process share.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

mod node;

mod bounds;
mod breaks;
mod conforms;
mod dead;
mod elsewhere;
mod examined;
mod latency;
mod rivals;
mod secure;
