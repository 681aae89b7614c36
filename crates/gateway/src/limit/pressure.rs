//! Whether the gateway has more to do than it can hold.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use protocol::ApiError;

/// Told by who watches the process's memory. While it is high, what is there goes on, and nothing new is taken: a request is
/// answered with 503, and a WebSocket on which one comes is closed with 1013 once nothing runs on it, so that its client comes to
/// another gateway. One that asks for nothing stays: it costs less than its coming back. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Pressure(Arc<AtomicBool>);

impl Pressure {
    /// Says whether it is high. Returns whether it was.
    pub fn set(&self, is_high: bool) -> bool {
        self.0.swap(is_high, Ordering::Relaxed)
    }

    /// Why nothing new is taken now, if nothing is.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(overloaded());
        }
        Ok(())
    }
}

/// What is said to whom nothing new is taken from.
pub(crate) fn overloaded() -> ApiError {
    ApiError::server("overloaded", "This gateway has too much to do. Try again soon.")
}
