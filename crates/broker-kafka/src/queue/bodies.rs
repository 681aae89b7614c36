//! The jobs themselves, with all that users said, as far as there is room for them. What is not here is in the log, at the
//! job's offset.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

/// The bodies of the most imminent jobs of one partition, up to a bound.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    by_offset: BTreeMap<i64, Bytes>,
    /// Of those, the ones that are in a worker's hands: they are needed again only if it dies, so they leave first.
    claimed: BTreeSet<i64>,
    bytes: usize,
    max_bytes: usize,
}

impl Bodies {
    /// From now on, room for so many bytes.
    pub(super) fn allow(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
        self.make_room();
    }

    /// Keeps the body of the job at `offset`, if there is room or it comes before others that wait.
    pub(super) fn put(&mut self, offset: i64, body: Bytes) {
        self.bytes += body.len();
        self.by_offset.insert(offset, body);
        self.make_room();
    }

    pub(super) fn get(&self, offset: i64) -> Option<Bytes> {
        self.by_offset.get(&offset).cloned()
    }

    /// Notes that the job is in a worker's hands, or no longer is.
    pub(super) fn note(&mut self, offset: i64, is_claimed: bool) {
        if is_claimed && self.by_offset.contains_key(&offset) {
            self.claimed.insert(offset);
        } else {
            self.claimed.remove(&offset);
        }
    }

    pub(super) fn remove(&mut self, offset: i64) {
        self.claimed.remove(&offset);
        self.bytes -= self.by_offset.remove(&offset).map_or(0, |body| body.len());
    }

    fn make_room(&mut self) {
        while self.bytes > self.max_bytes {
            let claimed = self.claimed.last().copied();
            let Some(last) = claimed.or_else(|| self.by_offset.keys().next_back().copied()) else { return };
            self.remove(last);
        }
    }
}

#[cfg(test)]
mod tests;
