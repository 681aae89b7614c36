//! Whether the gateway has more to do than it can hold.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use protocol::ApiError;

/// Told by who watches the process's memory. While it is high, what is there goes on, and nothing new is taken. Cloning
/// shares it.
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
            return Err(ApiError::server("overloaded", "This gateway has too much to do. Try again soon."));
        }
        Ok(())
    }
}
