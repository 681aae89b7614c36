//! How long a connection lives: pings, silence, age and drain, as functions of time.

use protocol::{ApiError, ErrorType};
use tokio::time::Instant;

use crate::{Config, limit::overloaded};

/// What has happened to a connection, as far as its life depends on it.
#[derive(Debug)]
pub(super) struct Lifetime {
    pub(super) opened: Instant,
    heard: Instant,
    pinged: Instant,
    closing: Option<Closing>,
}

/// Why a connection takes no new turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// It has reached its maximum age. It closes when the running turns have ended.
    TooOld,
    /// Its client has sent as much as one connection may carry. It closes likewise.
    Exhausted,
    /// Its client wanted something while the gateway had too much to do. It closes likewise: another gateway may have room.
    Overloaded,
    /// The gateway stops.
    Drain {
        /// From here on it closes if nothing runs.
        leave: Instant,
        /// Here it closes in any case: what runs can be resumed elsewhere.
        cut: Instant,
    },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// A ping.
    Ping,
    /// The client has said nothing for too long.
    Silent,
    /// The maximum age was reached just now.
    TooOld,
    /// Nothing yet; the time is in [`Lifetime::next`].
    Nothing,
}

impl Closing {
    /// What a client is told that wants a new turn.
    pub(super) fn error(self) -> ApiError {
        match self {
            Self::TooOld => ApiError::new(
                ErrorType::InvalidRequestError,
                "websocket_connection_limit_reached",
                "This connection has reached its maximum age. Open a new one to continue.",
            ),
            Self::Exhausted => ApiError::new(
                ErrorType::InvalidRequestError,
                "websocket_connection_limit_reached",
                "This connection has carried as many bytes as one may. Open a new one to continue.",
            ),
            Self::Overloaded => overloaded(),
            Self::Drain { .. } => ApiError::server(
                "draining",
                "This gateway is about to stop. Connect again: another one will answer.",
            ),
        }
    }
}

impl Lifetime {
    pub(super) const fn new(now: Instant) -> Self {
        Self { opened: now, heard: now, pinged: now, closing: None }
    }

    /// The client said something, if only a pong.
    pub(super) const fn hear(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Why no new turns are taken, if none are.
    pub(super) const fn closing(&self) -> Option<Closing> {
        self.closing
    }

    /// The gateway stops. Connections leave one after the other over the first half of the drain time, as `share` (0 to 1)
    /// has it, so that their clients do not all come to the other gateways at once. What runs may run on nearly to the end.
    pub(super) fn drain(&mut self, now: Instant, config: &Config, share: f64) {
        let time = config.drain_timeout;
        self.closing =
            Some(Closing::Drain { leave: now + time.mul_f64(share / 2.0), cut: now + time.mul_f64(0.9) });
    }

    /// The client has sent as much as it may.
    pub(super) const fn exhaust(&mut self) {
        self.closing = Some(Closing::Exhausted);
    }

    /// The client wanted something, and there is no room for it.
    pub(super) const fn overload(&mut self) {
        self.closing = Some(Closing::Overloaded);
    }

    /// While the gateway stops, the client wanted something: it shall ask another one, now.
    pub(super) const fn hurry(&mut self, now: Instant) {
        if let Some(Closing::Drain { leave, .. }) = &mut self.closing {
            *leave = now;
        }
    }

    /// What is due now, once.
    pub(super) fn due(&mut self, now: Instant, config: &Config) -> Due {
        if now - self.heard >= config.idle_timeout {
            return Due::Silent;
        }
        if self.closing.is_none() && now - self.opened >= config.max_connection_age {
            self.closing = Some(Closing::TooOld);
            return Due::TooOld;
        }
        if now - self.pinged >= config.ping_interval {
            self.pinged = now;
            return Due::Ping;
        }
        Due::Nothing
    }

    /// Whether the time to close has come.
    pub(super) fn is_over(&self, now: Instant, is_idle: bool) -> bool {
        match self.closing {
            None => false,
            Some(Closing::TooOld | Closing::Exhausted | Closing::Overloaded) => is_idle,
            Some(Closing::Drain { leave, cut }) => now >= cut || (is_idle && now >= leave),
        }
    }

    /// When to look again.
    pub(super) fn next(&self, now: Instant, config: &Config) -> Instant {
        let kept = (self.pinged + config.ping_interval).min(self.heard + config.idle_timeout);
        match self.closing {
            None => kept.min(self.opened + config.max_connection_age),
            Some(Closing::TooOld | Closing::Exhausted | Closing::Overloaded) => kept,
            Some(Closing::Drain { leave, cut }) => kept.min(if now < leave { leave } else { cut }),
        }
    }
}

#[cfg(test)]
mod tests;
