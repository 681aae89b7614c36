//! What time it is at the broker.
//!
//! Leases and ends are judged by the times that the broker puts on records, so that all who read them judge alike. Where
//! there is no record to judge by (does anyone attend this response, right now?) the broker's time is estimated: this
//! machine's clock, and what the last answers showed of the difference.

use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long the best sample counts: clocks drift.
const SAMPLE_LIFE: Duration = Duration::from_secs(30);

/// The broker's clock, as far as it can be told from here.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Option<Sample>>);

#[derive(Debug, Clone, Copy)]
struct Sample {
    broker: SystemTime,
    here: Instant,
}

impl Clock {
    /// A record that was just written has this time on it. The way here took some of it, so the sample that says the latest
    /// is the best.
    pub(crate) fn observe(&self, broker: SystemTime) {
        let mut best = self.0.lock();
        let sample = Sample { broker, here: Instant::now() };
        if best.is_none_or(|best| best.is_old() || best.now() < broker) {
            *best = Some(sample);
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.lock().map_or_else(SystemTime::now, Sample::now)
    }
}

impl Sample {
    fn now(self) -> SystemTime {
        self.broker + self.here.elapsed()
    }

    fn is_old(self) -> bool {
        self.here.elapsed() > SAMPLE_LIFE
    }
}
