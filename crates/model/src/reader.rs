//! A client reading its response, through whatever gateway.

use std::hash::{Hash, Hasher};

use crate::{
    Bounds, Safeguard,
    fence::{Fence, Verdict},
    log::Stream,
};

/// How far a client has read, and what it has seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Reader {
    /// The places in the log of the events that it was shown.
    pub(crate) shown: Vec<usize>,
    /// The next entry of an accepting log.
    place: usize,
    fence: Fence,
}

impl Hash for Reader {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.shown, self.place).hash(state);
        (self.fence.epoch(), self.fence.next(), self.fence.has_ended()).hash(state);
    }
}

impl Reader {
    /// Whether it was shown the terminal event.
    pub(crate) fn has_ended(&self, stream: &Stream) -> bool {
        self.shown.last().is_some_and(|place| stream.entries[*place].0.is_terminal())
    }

    /// The entries of a checked log that it would show next.
    ///
    /// Live records may be late, lost, or heard twice, and the log can be read at any time: so it may hear of any record
    /// at any time, and the number alone decides.
    pub(crate) fn audible(&self, stream: &Stream, bounds: &Bounds) -> Vec<usize> {
        if self.has_ended(stream) {
            return Vec::new();
        }
        let next = self.shown.last().map_or(0, |place| stream.entries[*place].0.next());
        let is_audible = |place: &usize| {
            let record = &stream.entries[*place].0;
            let is_next = if bounds.has(Safeguard::NextNumberOnly) {
                record.first == next
            } else {
                record.first >= next
            };
            !record.is_opening() && is_next
        };
        (0..stream.entries.len()).filter(is_audible).collect()
    }

    /// Shows an entry that is audible.
    pub(crate) fn hear(&mut self, place: usize) {
        self.shown.push(place);
    }

    /// Whether there is more to read of an accepting log.
    pub(crate) fn has_more(&self, stream: &Stream) -> bool {
        self.place < stream.entries.len() && !self.has_ended(stream)
    }

    /// Reads the next entry of an accepting log. What was shown before it resumed is not shown again.
    pub(crate) fn read(&mut self, stream: &Stream, bounds: &Bounds) {
        let (place, record) = (self.place, &stream.entries[self.place].0);
        let next = self.shown.len() as u64;
        let counts = self.fence.admit(record) == Verdict::Counts || !bounds.has(Safeguard::FenceAtRead);
        if counts && !record.is_opening() && record.first == next {
            self.shown.push(place);
        }
        self.place += 1;
    }

    /// The live path loses the next entry.
    pub(crate) const fn miss(&mut self) {
        self.place += 1;
    }

    /// Goes to another gateway, which reads the log from the beginning.
    pub(crate) fn resume(&mut self) {
        (self.place, self.fence) = (0, Fence::default());
    }
}
