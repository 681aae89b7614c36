//! One response's stream, by two rules: one that checks each append, one that takes everything.

use stream::{Epoch, EventKind, Record, Sequence};

use crate::{
    Bounds, LogKind, Safeguard,
    events::{Entry, body, created},
    fence::{Fence, Verdict},
};

/// The log of one response, and what else the broker knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stream {
    log: LogKind,
    pub(crate) entries: Vec<Entry>,
    pub(crate) is_cancelled: bool,
    /// What the store says of the response: the end that was stored last.
    pub(crate) stored: Option<Stored>,
    /// Who took itself for the owner. No part of the protocol: only what the properties look at.
    pub(crate) owners: Vec<Owner>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stored {
    pub(crate) kind: EventKind,
    pub(crate) text: String,
}

/// An epoch, and the place of its opening in the log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) epoch: Epoch,
    pub(crate) place: usize,
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    Done,
    Fenced,
    Ended,
    Gap,
}

impl Stream {
    pub(crate) const fn new(log: LogKind) -> Self {
        Self { log, entries: Vec::new(), is_cancelled: false, stored: None, owners: Vec::new() }
    }

    /// Begins the stream; whether it was not there before. An accepting log cannot tell: it takes both, and the fence
    /// drops the second.
    pub(crate) fn create(&mut self) -> bool {
        if self.log == LogKind::Checked && !self.entries.is_empty() {
            return false;
        }
        self.entries.push(Entry::event(Epoch(0), 0, created()));
        true
    }

    /// Where a reader stands that has read the first `count` entries by the fence.
    pub(crate) fn fence_at(&self, count: usize) -> Fence {
        let mut fence = Fence::default();
        for entry in self.entries.iter().take(count) {
            fence.admit(&entry.0);
        }
        fence
    }

    /// The entries that count, openings among them, of the first `count`: in a log that checks, all of them.
    pub(crate) fn counted(&self, count: usize) -> impl Iterator<Item = (usize, &Entry)> {
        let mut fence = Fence::default();
        let counts = move |(_, entry): &(usize, &Entry)| {
            self.log == LogKind::Checked || fence.admit(&entry.0) == Verdict::Counts
        };
        self.entries.iter().enumerate().take(count).filter(counts)
    }

    /// The text of the tokens that count, of the first `count` entries.
    pub(crate) fn text_at(&self, count: usize) -> String {
        self.counted(count).filter_map(|(_, entry)| entry.text()).last().unwrap_or_default().to_owned()
    }

    pub(crate) fn last_event(&self) -> Option<&Record> {
        self.entries.iter().rev().map(|entry| &*entry.0).find(|record| !record.is_opening())
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.entries.iter().map(|entry| entry.0.epoch).max().unwrap_or_default()
    }

    pub(crate) fn next(&self) -> Sequence {
        self.last_event().map_or(0, Record::next)
    }

    /// Whether a checked log has its terminal event.
    pub(crate) fn has_ended(&self) -> bool {
        self.entries.iter().any(|entry| entry.0.is_terminal())
    }

    /// Adds an entry by the rule of the log.
    pub(crate) fn append(&mut self, entry: Entry, bounds: &Bounds) -> Appended {
        if self.log == LogKind::Checked
            && let Some(answer) = self.check(&entry.0, bounds)
        {
            return answer;
        }
        self.entries.push(entry);
        Appended::Done
    }

    /// The rule of `append.lua`, in its order; `None` if the record may be added.
    fn check(&self, record: &Record, bounds: &Bounds) -> Option<Appended> {
        let is_fenced = bounds.has(Safeguard::FenceAtAppend);
        if is_fenced && record.epoch < self.epoch() {
            return Some(Appended::Fenced);
        }
        let is_tail = |last: &Record| {
            (last.epoch, last.first, last.next()) == (record.epoch, record.first, record.next())
        };
        if bounds.has(Safeguard::RepeatedAppend) && self.last_event().is_some_and(is_tail) {
            return Some(Appended::Done);
        }
        if self.has_ended() {
            return Some(Appended::Ended);
        }
        if record.first != self.next() || (is_fenced && record.epoch != self.epoch()) {
            return Some(Appended::Gap);
        }
        None
    }

    /// Stores the end that stands in the log, if none is stored.
    pub(crate) fn recover(&mut self) {
        let end =
            self.counted(self.entries.len()).map(|(_, entry)| &*entry.0).find(|record| record.is_terminal());
        let event = end.and_then(|record| record.events.first());
        let stored = event.map(|event| Stored { kind: event.kind(), text: body(event).to_owned() });
        self.stored = self.stored.take().or(stored);
    }
}
