//! How long a model server may take.

use std::{pin::Pin, time::Duration};

use engine::{Error, Fault};
use tokio::time::{Instant, Sleep};

use crate::Timeouts;

/// Which bound a model server exceeded.
#[derive(Debug)]
pub(crate) enum Exceeded {
    /// That on the whole response: it is over, whatever the server.
    Deadline(Error),
    /// That on its silence: another one may do better.
    Silence(Error),
}

/// How long an output took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The first one, since the call.
    First(Duration),
    /// Since the one before.
    Next(Duration),
}

/// The bounds on a model server's time. Hearing an output only notes the time; the timer is set anew when it rings.
pub(crate) struct Clock {
    timeouts: Timeouts,
    started: Instant,
    last: Option<Instant>,
    deadline: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Clock {
    pub(crate) fn start(timeouts: Timeouts, deadline: Instant) -> Self {
        let started = Instant::now();
        let timer = Box::pin(tokio::time::sleep_until(deadline.min(started + timeouts.first_token)));
        Self { timeouts, started, last: None, deadline, timer }
    }

    /// An output came, so long after what was before it.
    pub(crate) fn heard(&mut self) -> Heard {
        let now = Instant::now();
        match self.last.replace(now) {
            None => Heard::First(now - self.started),
            Some(last) => Heard::Next(now - last),
        }
    }

    /// The model is not listened to right now: what it may keep us waiting counts from now on.
    pub(crate) fn stand(&mut self) {
        let now = Instant::now();
        match &mut self.last {
            Some(last) => *last = now,
            None => self.started = now,
        }
    }

    /// Waits until a bound is exceeded, and says which. Cancel safe.
    pub(crate) async fn run_out(&mut self) -> Exceeded {
        loop {
            self.timer.as_mut().await;
            let (due, what) = match self.last {
                None => (self.started + self.timeouts.first_token, "begin to answer"),
                Some(last) => (last + self.timeouts.between_tokens, "go on"),
            };
            let now = Instant::now();
            if now >= self.deadline {
                return Exceeded::Deadline(timeout("finish"));
            }
            if now >= due {
                return Exceeded::Silence(timeout(what));
            }
            self.timer.as_mut().reset(due.min(self.deadline));
        }
    }
}

fn timeout(what: &'static str) -> Error {
    let message = format!("The model server did not {what} in time.");
    Error::new(Fault::Timeout(what), message, "a bound of `timeouts` was exceeded")
}
