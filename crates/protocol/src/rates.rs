//! What a caller has left of its limits, as the headers tell it that clients know.

use std::time::Duration;

/// What is known of limits of which one was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limited {
    /// How long to wait before the next try, where that is known.
    pub retry_after: Option<Duration>,
    /// What is left.
    pub rates: Rates,
}

/// What is left of the limits of a minute; `None` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Of responses that may be asked for.
    pub requests: Option<Rate>,
    /// Of tokens, read and written.
    pub tokens: Option<Rate>,
}

/// What is left of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How much of it there is in a minute.
    pub limit: u64,
    /// How much is left now.
    pub remaining: u64,
    /// Until all of it is there again.
    pub reset: Duration,
}
