//! Chance that can be had again: everything that is drawn follows from the seed and from what it is drawn for.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::RangeInclusive,
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// A source of chance with a purpose of its own, so that a draw more in one place changes nothing in another.
#[derive(Debug)]
pub(crate) struct Dice(StdRng);

impl Dice {
    /// The dice of `seed` for `purpose`.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (seed, purpose).hash(&mut hasher);
        Self(StdRng::seed_from_u64(hasher.finish()))
    }

    /// Whether something happens that happens once in `1 / probability` times.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.0.random_bool(probability.min(1.0))
    }

    pub(crate) fn number(&mut self, range: RangeInclusive<u64>) -> u64 {
        self.0.random_range(range)
    }

    pub(crate) fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(range))
    }

    /// Mostly near the lower end, now and then far from it.
    pub(crate) fn skewed_millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        let (low, high) = range.into_inner();
        let share = self.0.random_range(0.0..1.0f64);
        Duration::from_millis(low + ((high - low) as f64 * share.powi(4)) as u64)
    }

    /// A probability: none at all in half of the cases, else up to `most`.
    pub(crate) fn rate(&mut self, most: f64) -> f64 {
        if self.chance(0.5) { 0.0 } else { self.0.random_range(0.0..most) }
    }

    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.0.random_range(0..among.len())]
    }
}
