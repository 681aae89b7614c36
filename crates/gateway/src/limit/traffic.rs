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
    /// Of those that were refused: who goes on for long is not worth an answer.
    refused: Option<Limiter>,
    per_second: u32,
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
        let pace = pace(limits.messages_per_second, limits.messages_burst);
        let limiter = || pace.map(|pace| RateLimiter::direct_with_clock(pace, TokioClock::new()));
        Self { messages: limiter(), refused: limiter(), per_second: limits.messages_per_second }
    }

    /// A message has come, or a ping.
    pub(crate) fn take(&self) -> Verdict {
        let is_over =
            |limiter: &Option<Limiter>| limiter.as_ref().is_some_and(|limiter| limiter.check().is_err());
        match is_over(&self.messages) {
            false => Verdict::Take,
            true if is_over(&self.refused) => Verdict::End,
            true => Verdict::Refuse(too_fast(self.per_second)),
        }
    }
}

fn too_fast(per_second: u32) -> ApiError {
    let message =
        format!("More than {per_second} messages a second come on this connection. This one was not taken.");
    ApiError::new(ErrorType::TooManyRequests, "message_rate_limit_exceeded", message)
}

#[cfg(test)]
mod tests;
