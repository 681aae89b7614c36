//! What one connection may send: so many messages a second, so many bytes in all.

use governor::{
    RateLimiter,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use protocol::{ApiError, ErrorType};

use super::{clock::TokioClock, pace};
use crate::Limits;

/// The traffic of one connection.
#[derive(Debug)]
pub(crate) struct Traffic {
    messages: Option<Limiter>,
    /// Of those that were refused, once there are any: who goes on for long is not worth an answer.
    refused: Option<Box<Limiter>>,
    per_second: u32,
    burst: u32,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>;

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is taken.
    Take,
    /// It is not, and the client is told.
    Refuse(ApiError),
    /// Enough of it: the connection ends.
    End,
}

impl Traffic {
    pub(crate) fn new(limits: &Limits) -> Self {
        let (per_second, burst) = (limits.messages_per_second, limits.messages_burst);
        Self { messages: limiter(per_second, burst), refused: None, per_second, burst }
    }

    /// A message has come, or a ping.
    pub(crate) fn take(&mut self) -> Verdict {
        if self.messages.as_ref().is_none_or(|messages| messages.check().is_ok()) {
            return Verdict::Take;
        }
        if self.refused.is_none() {
            self.refused = limiter(self.per_second, self.burst).map(Box::new);
        }
        match &self.refused {
            Some(refused) if refused.check().is_err() => Verdict::End,
            _ => Verdict::Refuse(too_fast(self.per_second)),
        }
    }
}

fn limiter(per_second: u32, burst: u32) -> Option<Limiter> {
    pace(per_second, burst).map(|pace| RateLimiter::direct_with_clock(pace, TokioClock::new()))
}

fn too_fast(per_second: u32) -> ApiError {
    let message =
        format!("More than {per_second} messages a second come on this connection. This one was not taken.");
    ApiError::new(ErrorType::TooManyRequests, "message_rate_limit_exceeded", message)
}

#[cfg(test)]
mod tests;
