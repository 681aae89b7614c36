//! Streams, from workers to gateways: the one truth about what a response says.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use stream::{Epoch, Event, Record, ResponseId, Sequence};

use crate::{AppendError, Error, Header, Member, OpenError, Stop};

/// The ordered, replayable log of each response's events, and the live path by which they are heard of.
///
/// # Contract
/// - **One order.** The records that count carry the sequence numbers 0, 1, 2, … without a
///   gap; after a terminal event nothing is appended any more.
/// - **One owner.** [`open`](Self::open) raises the epoch in the log itself. From then on no append of a lower epoch
///   counts for any reader, whatever its writer has been told.
/// - **Durable.** What `create` and `append` have accepted is as durable as the broker is, and readable by
///   [`read`](Self::read) at once, in any process.
/// - **Repeatable.** An append that is repeated unchanged, because its answer was lost, succeeds and adds nothing, and
///   nobody hears of it again.
/// - **The live path may lose.** A [`Listener`] hears records in order, but not necessarily all of them. A reader
///   that sees a gap, or has heard nothing for a while, reads the log.
/// - Nothing lives for ever: a stream expires some time after its last append, or when [`expire`](Self::expire) says if
///   nothing is appended any more.
#[async_trait]
pub trait StreamLog: Send + Sync {
    /// A fresh id for a response that this process will serve: a partitioned log chooses one of its home partitions.
    fn new_id(&self) -> ResponseId;

    /// Begins the stream of `id` with `events`, in epoch 0, attended for `header.grace_ms` from now on.
    ///
    /// If the stream exists, nothing happens: see [`Creation`]. `events` are held to [`check_events`].
    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error>;

    /// What was fixed when the stream was created, or `None` if there is no such stream.
    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error>;

    /// Takes the stream over: raises the epoch, and returns all that counts up to there.
    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError>;

    /// Adds `events` from `first` on, in `epoch`. All of them, or none. `events` are held to [`check_events`].
    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError>;

    /// The records that count, from the one that holds event `from` on; about `max_bytes` of them, but at least one
    /// record if there is one. `None` if there is no such stream.
    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error>;

    /// Lets `listener` hear of the stream's records from now on, until the returned guard is dropped.
    ///
    /// When this returns, no later record can be missed unless the connection to the broker breaks, in which case
    /// the listener is [told](Listener::interrupted).
    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error>;

    /// Lets the stream expire `after` from now.
    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error>;
}

/// What every implementation refuses to write: no events at all, for that would be an opening; and a terminal event
/// anywhere but at the end, for nothing counts after it.
///
/// # Errors
/// [`Error::Refused`], with the reason.
pub fn check_events(events: &[Event]) -> Result<(), Error> {
    let Some((_, others)) = events.split_last() else {
        return Err(Error::refused("a record without events"));
    };
    if others.iter().any(Event::is_terminal) {
        return Err(Error::refused("a record with events after the terminal one"));
    }
    Ok(())
}

/// Whether [`StreamLog::create`] made the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It did.
    Created,
    /// It was there already, and is untouched.
    Existed,
}

/// Under which condition a stream is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Whoever has it: what a worker with a claim does.
    TakeOver,
    /// Only if no worker ever had it: what a gateway does to end a response that still waits.
    IfNeverOpened,
}

/// A stream, newly owned.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The epoch to append in.
    pub epoch: Epoch,
    /// What was fixed at the stream's creation.
    pub header: Header,
    /// All records with events that count, in order, up to the opening itself. Openings are not among them, here as in
    /// a [`Page`] and at a [`Listener`]: they concern the broker only.
    pub records: Vec<Record>,
    /// A stop that was asked for already.
    pub stop: Option<Stop>,
}

impl Opened {
    /// The sequence number of the first event to append.
    pub fn next(&self) -> Sequence {
        self.records.last().map_or(0, Record::next)
    }
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// A stop that someone asked for: the owner ends the response.
    pub stop: Option<Stop>,
}

/// Some records of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Records with events, in order. The first may begin before the event that was asked for.
    pub records: Vec<Arc<Record>>,
    /// Whether more can be read at once.
    pub more: bool,
}

/// Hears of a stream's records as they are appended. Called from the broker's own task: must be quick and not block.
pub trait Listener: Send + Sync {
    /// A record with events was appended.
    fn heard(&self, id: ResponseId, record: Arc<Record>);

    /// The record that was heard last had been appended so long before, by the clocks of the two processes. Told where the broker
    /// knows it.
    fn travelled(&self, elapsed: Duration) {
        let _ = elapsed;
    }

    /// Records may have been missed, or are too large for the live path: read the log.
    fn interrupted(&self, id: ResponseId);
}

/// Ends the listening when it is dropped.
#[must_use]
pub struct Listening(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Listening {
    /// A guard that calls `end` when it is dropped.
    pub fn new(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening")
    }
}
