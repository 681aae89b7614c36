//! What an operator may set about a worker. Plain fields; the binary reads them from files, environment and flags.

use std::{sync::Arc, time::Duration};

/// The worker's settings, with their defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long a claimed job is the worker's without a sign of life; then another worker takes it over.
    pub lease: Duration,
    /// After how many attempts a job that kills its workers is buried.
    pub max_attempts: u32,
    /// How long to go on with running responses at a planned stop before they are handed over.
    pub drain_timeout: Duration,
    /// How long a finished response's stream can still be replayed.
    pub replay_ttl: Duration,
    /// How long a stored response can be read and continued.
    pub store_ttl: Duration,
    /// How many bytes of output may wait for the broker; beyond that the model server is no longer read.
    pub max_pending_bytes: usize,
    /// The longest output of one response, in bytes as it is shown; beyond that it ends as incomplete.
    pub max_output_bytes: usize,
    /// What is taken out of the output before anyone sees it, if anything is.
    pub guard: Option<Arc<guard::Guard>>,
    /// Tells of what is done for a response.
    pub tracer: trace::Tracer,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lease: Duration::from_millis(2500),
            max_attempts: 5,
            drain_timeout: Duration::from_secs(30),
            replay_ttl: Duration::from_secs(10 * 60),
            store_ttl: Duration::from_secs(30 * 24 * 60 * 60),
            max_pending_bytes: 256 * 1024,
            max_output_bytes: 4 * 1024 * 1024,
            guard: None,
            tracer: trace::Tracer::default(),
        }
    }
}

/// One model and how to serve it.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The name that clients ask for.
    pub name: String,
    /// The name that the model server knows it by.
    pub upstream_name: String,
    /// How many responses this worker produces of it at a time.
    pub concurrency: usize,
    /// Bounds on the model server's time.
    pub timeouts: Timeouts,
    /// Whether the server can carry on from the text so far.
    pub continuation: Continuation,
}

/// Bounds on the model server's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the first output.
    pub first_token: Duration,
    /// Between two outputs.
    pub between_tokens: Duration,
    /// For the whole response.
    pub response: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_token: Duration::from_secs(60),
            between_tokens: Duration::from_secs(30),
            response: Duration::from_secs(300),
        }
    }
}

/// What a model server can do for a response that another worker began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Continuation {
    /// Nothing: what was begun and shown cannot be carried on.
    #[default]
    None,
    /// It carries on a trailing assistant message.
    Prefill,
}
