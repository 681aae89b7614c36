//! The state of one stream, and every rule of the contract that concerns one stream alone. No clock, no lock.
//!
//! Brokers that run the rules in this process share them: the one in memory, whose time is tokio's, and those on a log
//! that takes everything, whose time is that of the log's own records.

use std::{collections::HashMap, fmt, ops::Add, sync::Arc, time::Duration};

use stream::{Epoch, Record, Sequence};

use crate::{AppendError, Header, Member, OpenError, OpenMode, Page, Stop};

/// A clock's instants.
pub trait Time: Copy + Ord + Add<Duration, Output = Self> + fmt::Debug {}

impl<T: Copy + Ord + Add<Duration, Output = Self> + fmt::Debug> Time for T {}

/// One response's log, with what is known of its owner and its subscribers.
#[derive(Debug)]
pub struct Stream<T> {
    header: Header,
    epoch: Epoch,
    /// The records with events. Openings are not kept: the epoch is all they say.
    records: Vec<Arc<Record>>,
    bytes: usize,
    cancelled: bool,
    /// Until when the creation itself counts as attendance.
    grace: T,
    attendance: HashMap<Member, T>,
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// The record is the log's last now.
    Now,
    /// It was so already: the append was a repetition.
    Before,
}

impl<T: Time> Stream<T> {
    /// A stream that begins with `first`.
    pub fn new(header: Header, first: Arc<Record>, now: T) -> Self {
        let grace = later(now, Duration::from_millis(header.grace_ms));
        let bytes = weight(&first);
        Self {
            header,
            epoch: Epoch(0),
            records: vec![first],
            bytes,
            cancelled: false,
            grace,
            attendance: HashMap::new(),
        }
    }

    /// What was fixed at its creation.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What the stream costs of the bound on all streams.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// All records with events.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Whether the terminal event is in it.
    pub fn has_ended(&self) -> bool {
        self.records.last().is_some_and(|last| last.is_terminal())
    }

    fn next(&self) -> Sequence {
        self.records.last().map_or(0, |last| last.next())
    }

    /// Raises the epoch.
    ///
    /// # Errors
    /// When it has ended, or [somebody had it](OpenMode::IfNeverOpened).
    pub fn open(&mut self, mode: OpenMode) -> Result<Epoch, OpenError> {
        if self.has_ended() {
            return Err(OpenError::Ended);
        }
        if mode == OpenMode::IfNeverOpened && self.epoch > Epoch(0) {
            return Err(OpenError::Owned);
        }
        self.epoch = Epoch(self.epoch.0 + 1);
        Ok(self.epoch)
    }

    /// Adds `record`, if its epoch is in force and it carries on where the stream stands.
    ///
    /// # Errors
    /// When it does not count, with the reason.
    pub fn append(&mut self, record: Arc<Record>) -> Result<Added, AppendError> {
        if record.epoch < self.epoch {
            return Err(AppendError::Fenced);
        }
        if self.records.last().is_some_and(|last| is_same_append(last, &record)) {
            return Ok(Added::Before);
        }
        if self.has_ended() {
            return Err(AppendError::Ended);
        }
        // An epoch that was never opened means that the opening is lost, as a gap means that records are.
        if record.first != self.next() || record.epoch > self.epoch {
            return Err(AppendError::Gap { first: record.first, next: self.next() });
        }
        self.bytes += weight(&record);
        self.records.push(record);
        Ok(Added::Now)
    }

    /// The records from the one that holds event `from` on.
    pub fn read(&self, from: Sequence, max_bytes: usize) -> Page {
        let start = self.records.partition_point(|record| record.next() <= from);
        let rest = &self.records[start..];
        let mut bytes = 0;
        let fits = |record: &&Arc<Record>| {
            let room = bytes < max_bytes.max(1);
            bytes += record.weight().max(1);
            room
        };
        let records: Vec<_> = rest.iter().take_while(fits).cloned().collect();
        let more = records.len() < rest.len();
        Page { records, more }
    }

    /// Marks the stream as cancelled; whether there is anything to stop.
    pub fn cancel(&mut self) -> bool {
        self.cancelled = !self.has_ended();
        self.cancelled
    }

    /// Notes that `gateway` has subscribers until `until`. Attendances that have run out leave, so that there are
    /// never more than there are gateways.
    pub fn attend(&mut self, gateway: &Member, until: T, now: T) {
        self.attendance.retain(|_, until| *until > now);
        self.attendance.insert(gateway.clone(), until);
    }

    /// Whether the owner shall end the stream, and why.
    pub fn stop(&self, now: T) -> Option<Stop> {
        if self.has_ended() {
            return None;
        }
        if self.cancelled {
            return Some(Stop::Cancelled);
        }
        let attended = self.grace > now || self.attendance.values().any(|until| *until > now);
        (!self.header.background && !attended).then_some(Stop::Abandoned)
    }
}

/// What a record costs of the bound on all streams: its events, and about as much as holding them takes.
pub fn weight(record: &Record) -> usize {
    size_of::<Record>() + record.weight() + record.events.len() * size_of::<stream::Event>()
}

/// `after` from now, or in a year where that is further than the clock reaches.
pub fn later<T: Time>(now: T, after: Duration) -> T {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    now + after.min(YEAR)
}

/// Whether `record` is what was appended last. The sender made both from one state, so the count stands for the events.
fn is_same_append(last: &Record, record: &Record) -> bool {
    last.epoch == record.epoch && last.first == record.first && last.events.len() == record.events.len()
}
