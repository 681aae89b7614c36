//! Tokens of a real issuer, over real sockets: what counts, what does not, and what becomes of it while keys change.
#![expect(clippy::unwrap_used, reason = "a test whose ground gives way has failed")]

mod keys;
mod support;
mod tokens;
