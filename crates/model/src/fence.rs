//! Which records of an accepting log count.
//!
//! A broker that judges each append by its place (memory, Redis, Kafka) keeps stale records out. A log that takes everything
//! lets them in, and every reader drops them by this one rule, so that all agree: the order of the log decides, an opening
//! with a higher epoch ends all lower ones, a record counts only if it belongs to the epoch in force and carries on exactly
//! where the stream stands, and nothing counts after a terminal event.

use stream::{Epoch, Record, Sequence};

/// A reader's position in the rule: the epoch in force, the next sequence number, and whether it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fence {
    epoch: Epoch,
    next: Sequence,
    ended: bool,
}

/// What to do with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It counts.
    Counts,
    /// It was read before, or is of an epoch that is over: drop it.
    Stale,
    /// Records are missing between the last that counted and this one: read them first.
    Gap,
}

impl Fence {
    /// The epoch in force.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The sequence number of the next event that counts.
    pub(crate) const fn next(&self) -> Sequence {
        self.next
    }

    /// Whether the terminal event was seen.
    pub(crate) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Judges the next record of the log, and moves on if it counts.
    pub(crate) fn admit(&mut self, record: &Record) -> Verdict {
        if self.ended || record.epoch < self.epoch || record.next() < self.next {
            return Verdict::Stale;
        }
        if record.is_opening() {
            return self.admit_opening(record);
        }
        if record.first < self.next {
            return Verdict::Stale;
        }
        if record.first > self.next || record.epoch > self.epoch {
            return Verdict::Gap;
        }
        self.next = record.next();
        self.ended = record.is_terminal();
        Verdict::Counts
    }

    fn admit_opening(&mut self, record: &Record) -> Verdict {
        if record.epoch == self.epoch {
            return Verdict::Stale;
        }
        if record.first > self.next {
            return Verdict::Gap;
        }
        self.epoch = record.epoch;
        Verdict::Counts
    }
}

#[cfg(test)]
mod tests;
