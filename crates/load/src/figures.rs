//! What one process has seen, and what several have.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Damage;

/// Longer times are counted as this one.
const MAX_MICROS: u64 = 600_000_000;
/// Kinds of errors that are told apart; further ones are counted as `other`.
const MAX_ERRORS: usize = 100;

/// What one process has seen, or several together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Connections that stood.
    pub connections: u64,
    /// How long until the connections stood that did.
    pub connecting: Times,
    /// Connections that the server has pinged.
    pub pinged: u64,
    /// From the first attempt to connect to the last connection that stood, in seconds.
    pub connected_s: f64,
    /// Streams begun, from first to last.
    pub streams: u64,
    /// Of these, those that ended well.
    pub completed: u64,
    /// All pieces that came, from first to last: tokens, as long as the model server says one in each.
    pub tokens_in_all: u64,
    /// Those in the measured time.
    pub tokens: u64,
    /// Events with them.
    pub events: u64,
    /// From when a stream was due to its first piece, for those that were due in the measured time.
    pub first_token: Times,
    /// Between two pieces.
    pub between_tokens: Times,
    /// From when a stream was due to its end.
    pub whole: Times,
    /// From when a connection was lost to the next event of the stream on another one.
    pub resumed: Times,
    /// What was wrong with streams.
    pub damage: Damage,
    /// What failed, by codes.
    pub errors: BTreeMap<String, u64>,
}

impl Figures {
    /// Counts a failure.
    pub(crate) fn fail(&mut self, code: &str) {
        self.count_error(code, 1);
    }

    pub(crate) fn count_error(&mut self, code: &str, count: u64) {
        let code =
            if self.errors.len() < MAX_ERRORS || self.errors.contains_key(code) { code } else { "other" };
        *self.errors.entry(code.to_owned()).or_default() += count;
    }

    /// All failures.
    pub fn failures(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Adds what another process has seen at the same time.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.pinged += other.pinged;
        self.connecting.0.add(&other.connecting.0).unwrap_or_default();
        self.connected_s = self.connected_s.max(other.connected_s);
        self.streams += other.streams;
        self.completed += other.completed;
        self.tokens_in_all += other.tokens_in_all;
        self.tokens += other.tokens;
        self.events += other.events;
        for (own, others) in [
            (&mut self.first_token, &other.first_token),
            (&mut self.between_tokens, &other.between_tokens),
            (&mut self.whole, &other.whole),
            (&mut self.resumed, &other.resumed),
        ] {
            // All histograms have the same bounds, so there is nothing that they could refuse.
            own.0.add(&others.0).unwrap_or_default();
        }
        self.damage += other.damage;
        for (code, count) in &other.errors {
            self.count_error(code, *count);
        }
    }
}

/// Times, to three digits, from a microsecond to ten minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct Times(pub(crate) Histogram<u64>);

impl Times {
    /// Adds a time.
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record((time.as_micros() as u64).clamp(1, MAX_MICROS));
    }
}

impl Default for Times {
    #[expect(clippy::expect_used, reason = "these bounds are good, and constant")]
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_MICROS, 3).expect("bounds"))
    }
}

/// As pairs: so many microseconds, so often.
impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(self.0.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())))
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut times = Self::default();
        for (value, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            times.0.saturating_record_n(value, count);
        }
        Ok(times)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Figures, Times};

    #[test]
    fn what_several_have_seen_is_as_if_one_had() {
        let (mut one, mut other, mut both) = (Figures::default(), Figures::default(), Figures::default());
        for micros in 1..10_000 {
            let part = if micros % 3 == 0 { &mut one } else { &mut other };
            part.first_token.record(Duration::from_micros(micros));
            both.first_token.record(Duration::from_micros(micros));
        }
        other.fail("busy");
        let told: Figures = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
        one.add(&told);
        assert_eq!(one.first_token, both.first_token);
        assert_eq!(one.failures(), 1);
        assert_eq!(Times::default(), one.between_tokens);
    }
}
