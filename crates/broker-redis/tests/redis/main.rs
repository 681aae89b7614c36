//! The broker on real Redis servers, which each test starts for itself and kills when it is done.

mod server;

mod cluster;
mod standalone;
