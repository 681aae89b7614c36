//! When streams are due, and which moments count.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::Load;

/// How late a timer may be by itself. A client that was free and is woken within this is on time: what is measured is the server.
const GRAIN: Duration = Duration::from_millis(2);

/// The course of one run.
#[derive(Debug)]
pub(crate) struct Clock {
    begin: Instant,
    load: Load,
    /// Streams that were given to a client, in open loop.
    given: AtomicU64,
}

impl Clock {
    pub(crate) fn new(begin: Instant, load: &Load) -> Self {
        Self { begin, load: load.clone(), given: AtomicU64::new(0) }
    }

    fn measured_from(&self) -> Instant {
        self.begin + self.load.ramp
    }

    /// When nothing new begins any more.
    pub(crate) fn end(&self) -> Instant {
        self.measured_from() + self.load.duration
    }

    /// When what is left is cut off.
    pub(crate) fn cut(&self) -> Instant {
        self.end() + self.load.patience
    }

    /// When all connections are lost at once.
    pub(crate) fn storm(&self) -> Option<Instant> {
        self.load.storm.map(|after| self.measured_from() + after)
    }

    /// Whether what happens at `moment` is measured.
    pub(crate) fn counts(&self, moment: Instant) -> bool {
        (self.measured_from()..self.end()).contains(&moment)
    }

    /// When a client that is free now shall ask; `None` if it shall not any more.
    pub(crate) fn next_due(&self, client: usize, is_first: bool) -> Option<Instant> {
        let now = Instant::now();
        let due = match self.load.rate {
            Some(rate) => {
                let number = self.given.fetch_add(1, Ordering::Relaxed) as f64;
                let (part, parts) = self.load.part;
                self.begin + arrival(number + part as f64 / parts as f64, rate, self.load.ramp)
            }
            None if is_first => self.begin + self.load.ramp.mul_f64(client as f64 / self.load.clients as f64),
            None => now,
        };
        // What was due in time begins even if it is late by then, as those who wait for it do not go away.
        (due < self.end() && now < self.cut()).then_some(due)
    }

    /// From when on a stream's latencies count that was due at `due` and is asked for at `now`, by a client that waited for it
    /// or that was busy.
    pub(crate) fn counted_from(due: Instant, now: Instant, was_free: bool) -> Instant {
        if was_free && now.duration_since(due) < GRAIN { now } else { due }
    }

    /// Streams that were due in the measurement and for which no client was free at all.
    pub(crate) fn never_begun(&self) -> u64 {
        let Some(rate) = self.load.rate else { return 0 };
        let due = rate * (self.load.ramp.as_secs_f64() / 2.0 + self.load.duration.as_secs_f64());
        (due.floor() as u64).saturating_sub(self.given.load(Ordering::Relaxed))
    }
}

/// When stream `number` is due, after the beginning: the rate rises evenly until the ramp ends, and then stays.
fn arrival(number: f64, rate: f64, ramp: Duration) -> Duration {
    let ramp = ramp.as_secs_f64();
    let in_ramp = rate * ramp / 2.0;
    Duration::from_secs_f64(if number < in_ramp {
        (2.0 * number * ramp / rate).sqrt()
    } else {
        ramp + (number - in_ramp) / rate
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::arrival;

    #[test]
    fn streams_are_due_ever_faster_and_then_evenly() {
        let at = |number: u32| arrival(number.into(), 10.0, Duration::from_secs(2)).as_secs_f64();
        assert!((at(0) - 0.0).abs() < 1e-9);
        assert!((at(10) - 2.0).abs() < 1e-9, "half of what two seconds at full rate would be");
        assert!((at(30) - 4.0).abs() < 1e-9);
        assert!(at(1) - at(0) > at(9) - at(8));
    }
}
