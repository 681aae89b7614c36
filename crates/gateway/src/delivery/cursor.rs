//! How far one subscriber has read one stream.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use broker::{Page, StreamLog};
use stream::{Epoch, Event, Record, ResponseId, Sequence};
use trace::TraceId;
use tracing::field::DisplayValue;

use super::{feed::Found, hub::Seat, telling::Telling};
use crate::ending;

/// At most so many bytes of a stream are read from the log at a time.
const PAGE_BYTES: usize = 16 * 1024;

/// One subscriber's position in one stream. Dropping it gives the subscription up.
///
/// What the subscriber has been told must stay in the log: an event cannot be taken back. So every read of the log begins
/// with the last event that was told. If the log does not have it any more, or has it of another epoch, the broker has lost
/// data (see `docs/durability.md`), and the subscriber is told of the end of its response instead of a garbled rest.
pub(crate) struct Cursor {
    seat: Seat,
    log: Arc<dyn StreamLog>,
    next: Sequence,
    /// Of the last event that was told here; `None` if it was told elsewhere.
    epoch: Option<Epoch>,
    /// The last page held nothing but the last event that was told: the next one begins after it.
    skip_told: bool,
    doubt: u64,
    ended: bool,
    backlog: VecDeque<Arc<Record>>,
    read: Option<Read>,
    failure: Option<broker::Error>,
    /// `None` if no trace tells of it, or not any more.
    telling: Option<Box<Telling>>,
}

type Read = Pin<Box<dyn Future<Output = Result<Option<Page>, broker::Error>> + Send>>;

/// Some consecutive events of a stream.
#[derive(Clone)]
pub(crate) struct Piece {
    record: Arc<Record>,
    from: Sequence,
}

/// The log does not hold what was told.
#[derive(Debug)]
struct Lost;

impl Cursor {
    /// A cursor that wants event `next` first.
    pub(super) fn new(seat: Seat, log: Arc<dyn StreamLog>, next: Sequence) -> Self {
        let backlog = VecDeque::new();
        Self {
            seat,
            log,
            next,
            epoch: None,
            skip_told: false,
            doubt: 0,
            ended: false,
            backlog,
            read: None,
            failure: None,
            telling: None,
        }
    }

    /// The same, and a trace tells of it.
    pub(crate) fn with_telling(self, telling: Option<Box<Telling>>) -> Self {
        Self { telling, ..self }
    }

    /// The response.
    pub(crate) fn id(&self) -> ResponseId {
        self.seat.id()
    }

    /// The response's model.
    pub(crate) fn model(&self) -> &str {
        self.seat.model()
    }

    /// The response's trace, for the log.
    pub(crate) fn trace_id(&self) -> Option<DisplayValue<TraceId>> {
        self.seat.trace_id()
    }

    /// Reads the log before anything else: events may have been written before the subscription.
    pub(crate) const fn catch_up(&mut self) {
        // A doubt that is never the feed's own lets the next look go to the log.
        self.doubt = u64::MAX;
    }

    /// The stream was just created here, with these events: they need not be read from anywhere.
    pub(crate) fn prime(&self, events: Vec<Event>) {
        self.seat.hear(Record { epoch: Epoch::default(), first: 0, events });
    }

    /// The next events, `None` after the terminal one. An error is the last item, too: the broker refused to be read.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, broker::Error>>> {
        if let Some(failure) = self.failure.take() {
            return Poll::Ready(Some(Err(failure)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            if let Some(record) = self.backlog.pop_front() {
                return Poll::Ready(Some(Ok(self.take(record))));
            }
            if let Some(read) = &mut self.read {
                let page = ready!(read.as_mut().poll(cx));
                self.read = None;
                match page {
                    Ok(page) => {
                        if let Err(Lost) = self.turn_page(page) {
                            return Poll::Ready(Some(Ok(self.tell_loss())));
                        }
                    }
                    // The broker is away for a moment: the hub's sweep lets the cursor look again.
                    Err(error) if error.is_retryable() => self.seat.ask_for_doubt(),
                    Err(error) => {
                        self.ended = true;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                continue;
            }
            match self.seat.find(self.next, &mut self.doubt, cx.waker()) {
                Found::Record(record) => return Poll::Ready(Some(Ok(self.take(record)))),
                Found::Nothing => return Poll::Pending,
                Found::Elsewhere => self.read = Some(self.read_log()),
            }
        }
    }

    /// The next events, `None` after the terminal one. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Result<Piece, broker::Error>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Adds to `pieces` what else can be told right now after them, about `max_bytes` in all: for a client that is behind, so
    /// that deltas of several records can be told as one.
    pub(crate) fn gather(&mut self, pieces: &mut Vec<Piece>, max_bytes: usize, cx: &mut Context<'_>) {
        let mut bytes: usize = pieces.iter().map(Piece::weight).sum();
        while bytes < max_bytes
            && let Poll::Ready(Some(Ok(piece))) = self.poll_next_unless_failing(cx)
        {
            bytes += piece.weight();
            pieces.push(piece);
        }
    }

    /// The next events, but no error: that is for the next [`poll_next`](Self::poll_next) to tell.
    fn poll_next_unless_failing(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece, broker::Error>>> {
        if self.failure.is_some() {
            return Poll::Pending;
        }
        match self.poll_next(cx) {
            Poll::Ready(Some(Err(error))) => {
                self.failure = Some(error);
                Poll::Pending
            }
            step => step,
        }
    }

    fn take(&mut self, record: Arc<Record>) -> Piece {
        if record.first > self.next {
            return self.tell_loss();
        }
        let piece = Piece { from: self.next, record };
        self.next = piece.record.next();
        self.epoch = Some(piece.record.epoch);
        if let Some(telling) = &mut self.telling {
            telling.note(&piece.record);
        }
        if piece.is_terminal() {
            self.ended = true;
            self.telling = None;
            self.seat.mark_ended();
        }
        piece
    }

    fn read_log(&self) -> Read {
        self.seat.metrics().log_reads.inc();
        let from = if self.skip_told { self.next } else { self.next.saturating_sub(1) };
        let (log, id) = (Arc::clone(&self.log), self.id());
        Box::pin(async move { log.read(id, from, PAGE_BYTES).await })
    }

    fn turn_page(&mut self, page: Option<Page>) -> Result<(), Lost> {
        let page = page.ok_or(Lost)?;
        // What was told last was not the end, or nobody would be here.
        let is_told = |record: &Arc<Record>, last| {
            (record.first..record.next()).contains(&last)
                && self.epoch.is_none_or(|epoch| epoch == record.epoch)
                && !(record.is_terminal() && record.next() == self.next)
        };
        if !std::mem::take(&mut self.skip_told)
            && let Some(last) = self.next.checked_sub(1)
            && !page.records.first().is_some_and(|first| is_told(first, last))
        {
            return Err(Lost);
        }
        let next = self.next;
        self.backlog.extend(page.records.into_iter().filter(|record| record.next() > next));
        if page.more {
            self.skip_told = self.backlog.is_empty();
            // The rest is asked for when this page has been told.
            self.catch_up();
        }
        Ok(())
    }

    /// The end of a response that the broker has lost, or a part of it: as its subscriber is told.
    fn tell_loss(&mut self) -> Piece {
        self.seat.metrics().lost.inc();
        tracing::error!(response = %self.id(), trace_id = self.seat.trace_id(), next = self.next, "the stream was lost, or a part of it");
        self.ended = true;
        self.seat.mark_lost();
        if let Some(mut telling) = self.telling.take() {
            telling.lose();
        }
        let events = ending::lost(self.id(), self.seat.model());
        let record = Record { epoch: self.epoch.unwrap_or_default(), first: self.next, events };
        let piece = Piece { from: self.next, record: Arc::new(record) };
        self.next = piece.record.next();
        piece
    }
}

impl Piece {
    /// The response has ended with these events.
    pub(crate) fn is_terminal(&self) -> bool {
        self.record.is_terminal()
    }

    /// About how many bytes the events hold.
    fn weight(&self) -> usize {
        self.record.weight()
    }

    /// What is left of it when all before event `next` was told.
    pub(crate) fn rest(&self, next: Sequence) -> Option<Self> {
        (self.record.next() > next)
            .then(|| Self { record: Arc::clone(&self.record), from: self.from.max(next) })
    }

    /// The events with their sequence numbers.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Sequence, &Event)> {
        self.record.events_from(self.from)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("id", &self.id()).field("next", &self.next).finish_non_exhaustive()
    }
}
