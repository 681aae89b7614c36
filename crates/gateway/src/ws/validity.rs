//! How long the credential of a connection is good, as functions of time.
//!
//! ```text
//!   ── good ──▶ warned ──▶ ended: nothing new is taken ──▶ closed, when nothing runs or the grace is over
//!        ▲                    │
//!        └── another token ◀──┘
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::Config;

/// When the credential of a connection ends, and what has been done about it.
#[derive(Debug)]
pub(super) struct Validity {
    /// In seconds since 1970, as the client is told. `None` if it does not end.
    pub(super) expires_at: Option<u64>,
    ends: Option<Instant>,
    is_warned: bool,
    is_told: bool,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The client is to be warned: it ends at this second since 1970.
    Warning(u64),
    /// It has ended just now.
    End,
    /// Nothing yet; the time is in [`Validity::next`].
    Nothing,
}

impl Validity {
    /// A credential that ends at this second since 1970, if it ends.
    pub(super) fn until(expires_at: Option<u64>, now: Instant) -> Self {
        let left = |at: u64| {
            let at = UNIX_EPOCH.checked_add(Duration::from_secs(at))?;
            // A time that the clock cannot tell does not come.
            now.checked_add(at.duration_since(SystemTime::now()).unwrap_or_default())
        };
        Self { expires_at, ends: expires_at.and_then(left), is_warned: false, is_told: false }
    }

    /// What is due now, once.
    pub(super) fn due(&mut self, now: Instant, config: &Config) -> Due {
        let (Some(ends), Some(expires_at)) = (self.ends, self.expires_at) else { return Due::Nothing };
        if now >= ends {
            let is_new = !std::mem::replace(&mut self.is_told, true);
            return if is_new { Due::End } else { Due::Nothing };
        }
        if now + config.token_warning >= ends && !std::mem::replace(&mut self.is_warned, true) {
            return Due::Warning(expires_at);
        }
        Due::Nothing
    }

    /// Whether it has ended, so that nothing new is taken.
    pub(super) fn is_ended(&self, now: Instant) -> bool {
        self.ends.is_some_and(|ends| now >= ends)
    }

    /// Whether the time to close has come.
    pub(super) fn is_over(&self, now: Instant, is_idle: bool, config: &Config) -> bool {
        // The client is told first.
        self.is_told && self.ends.is_some_and(|ends| is_idle || now >= ends + config.token_grace)
    }

    /// When to look again, if ever.
    pub(super) fn next(&self, config: &Config) -> Option<Instant> {
        let ends = self.ends?;
        Some(match (self.is_warned, self.is_told) {
            (false, false) => ends.checked_sub(config.token_warning).unwrap_or(ends),
            (true, false) => ends,
            (_, true) => ends + config.token_grace,
        })
    }
}

#[cfg(test)]
mod tests;
