//! What a log holds: batches of events, and the openings of epochs.

use std::fmt;

use crate::Event;

/// The number of an event in its stream: 0, 1, 2, … without a gap.
pub type Sequence = u64;

/// Numbers are lower than this: what JSON's readers tell apart, and nothing that any stream comes near to. What names a higher one
/// is refused where it comes in, so that nobody behind has to care for what follows the last of all numbers.
pub const MAX_SEQUENCE: Sequence = 1 << 53;

/// One worker's term of ownership over a stream. 0 is the gateway's own, at creation; each opening is higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Epoch(pub u32);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry of a stream's log.
///
/// A record without events is an *opening*: from here on only its epoch counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose record it is.
    pub epoch: Epoch,
    /// The sequence number of the first event; for an opening, of the first event to come.
    pub first: Sequence,
    /// The events, in order.
    pub events: Vec<Event>,
}

impl Record {
    /// The mark by which a worker takes a stream over.
    pub const fn opening(epoch: Epoch, next: Sequence) -> Self {
        Self { epoch, first: next, events: Vec::new() }
    }

    /// The sequence number after the last event.
    pub fn next(&self) -> Sequence {
        self.first + self.events.len() as u64
    }

    /// Whether this record opens an epoch.
    pub fn is_opening(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether the stream ends in this record.
    pub fn is_terminal(&self) -> bool {
        self.events.last().is_some_and(Event::is_terminal)
    }

    /// About how many bytes the events hold.
    pub fn weight(&self) -> usize {
        self.events.iter().map(Event::weight).sum()
    }

    /// The events with their sequence numbers, from `from` on.
    pub fn events_from(&self, from: Sequence) -> impl Iterator<Item = (Sequence, &Event)> {
        let skip = from.saturating_sub(self.first).min(self.events.len() as u64);
        (self.first..).zip(&self.events).skip(skip as usize)
    }
}
