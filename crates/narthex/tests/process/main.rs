//! The real program, from outside: what a person, a supervisor and a script see of it.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

mod bench;
mod debug;
mod doctor;
mod keys;
mod life;
mod log;
mod plan;
mod secrets;
mod settings;
mod support;
mod tls;
mod upstream_tls;
