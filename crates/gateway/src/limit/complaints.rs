//! Which refusals the log tells of: whoever floods a gateway must not fill its disk.

use std::num::NonZeroU32;

use governor::{
    Quota, RateLimiter,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};

use super::clock::TokioClock;

/// Lines a second in the long run. The metrics count all of them.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).expect("more than none");

/// As many at once, which is enough to see what is wrong with a client.
const BURST: NonZeroU32 = NonZeroU32::new(500).expect("more than none");

/// The refusals of a gateway.
#[derive(Debug)]
pub(crate) struct Complaints(RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>);

impl Complaints {
    pub(crate) fn new() -> Self {
        let pace = Quota::per_second(PER_SECOND).allow_burst(BURST);
        Self(RateLimiter::direct_with_clock(pace, TokioClock::new()))
    }

    /// Whether one more is to be logged.
    pub(crate) fn take(&self) -> bool {
        self.0.check().is_ok()
    }
}

#[cfg(test)]
mod tests;
