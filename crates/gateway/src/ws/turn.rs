//! One running turn of a connection.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use protocol::{Item, Request, Shown};
use stream::{Event, EventKind, ResponseId, Sequence};
use tokio::time::Instant;

use super::{lanes::LaneId, session::Told, turns::Step};
use crate::{
    continuation::Conversation,
    delivery::{Cursor, Piece},
    metrics::{Metrics, Pace},
};

/// At most so many bytes of text are told as one delta.
const MAX_MERGED: usize = 4 * 1024;

/// A response whose events go to one lane.
pub(super) struct Turn {
    pub(super) lane: LaneId,
    cursor: Cursor,
    pub(super) previous: Option<ResponseId>,
    conversation: Option<Conversation>,
    pace: Pace,
    /// An `error` that is told with the event after it.
    untold_error: Option<Sequence>,
    /// What was read and not told, for want of credit.
    held: VecDeque<Piece>,
}

impl Turn {
    /// A new response, asked for at that time.
    pub(super) fn new(
        lane: LaneId,
        cursor: Cursor,
        previous: Option<ResponseId>,
        conversation: Option<Conversation>,
        begun: Instant,
        metrics: &Metrics,
    ) -> Self {
        let pace = Pace::new(metrics, "websocket", cursor.model(), Some(begun));
        Self { previous, conversation, ..Self::at(lane, cursor, pace) }
    }

    /// A response that began before.
    pub(super) fn resumed(lane: LaneId, cursor: Cursor, metrics: &Metrics) -> Self {
        let pace = Pace::new(metrics, "websocket", cursor.model(), None);
        Self::at(lane, cursor, pace)
    }

    const fn at(lane: LaneId, cursor: Cursor, pace: Pace) -> Self {
        Self {
            lane,
            cursor,
            previous: None,
            conversation: None,
            pace,
            untold_error: None,
            held: VecDeque::new(),
        }
    }

    /// The response.
    pub(super) fn id(&self) -> ResponseId {
        self.cursor.id()
    }

    /// The next events, as of [`Cursor::poll_next`].
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        match self.held.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None => self.cursor.poll_next(cx),
        }
    }

    /// `first` and what else can be told right now after it, about `max_bytes` in all.
    pub(super) fn gather(&mut self, first: &Piece, max_bytes: usize) -> Vec<Piece> {
        let mut pieces = vec![first.clone()];
        pieces.extend(self.held.drain(..));
        self.cursor.gather(&mut pieces, max_bytes, &mut Context::from_waker(Waker::noop()));
        pieces
    }

    /// Keeps what of `pieces` was not told: from event `next` on.
    pub(super) fn hold(&mut self, pieces: &[Piece], next: Sequence) {
        for piece in pieces.iter().rev().filter_map(|piece| piece.rest(next)) {
            self.held.push_front(piece);
        }
    }

    /// Calls `tell` with at most `credit` events. The number of the first that was not told, if there was not enough.
    ///
    /// If the client `is_behind`, so that it did not take the last batch at once, deltas of the same text become one.
    ///
    /// A response that fails is told so once, by `response.failed`. The clients' sessions take an `error` as the end of a turn
    /// and whatever follows as part of the next one, so the event is merged into the one that does end it.
    pub(super) fn render(
        &mut self,
        pieces: &[Piece],
        is_behind: bool,
        mut credit: u32,
        metrics: &Metrics,
        mut tell: impl FnMut(Told<'_>),
    ) -> Option<Sequence> {
        let response = self.id();
        let events = pieces.iter().flat_map(Piece::events);
        for merged in protocol::merge(events, if is_behind { MAX_MERGED } else { 0 }) {
            if merged.event.kind() == EventKind::Error {
                self.untold_error.get_or_insert(merged.first);
                continue;
            }
            let Some(left) = credit.checked_sub(1) else { return Some(merged.first) };
            credit = left;
            let merged_from = self.untold_error.take().or(merged.merged_from());
            let more = merged_from.map_or(0, |first| merged.last - first);
            metrics.merged.inc_by(more);
            if let Event::Delta(_) = &*merged.event {
                self.pace.told(1 + more);
            }
            let lane = self.lane.as_deref();
            tell(Told { response, sequence: merged.last, event: &merged.event, lane, merged_from });
        }
        None
    }

    /// What the connection is to remember, after the last events.
    pub(super) fn conclude(&mut self, last: &Piece, metrics: &Metrics) -> Conclusion {
        let shown = last.events().last().and_then(|(_, event)| Shown::by(event));
        let error = last.events().find_map(|(_, event)| protocol::read_error(event));
        let status = shown.as_ref().map(|shown| shown.status);
        metrics.end_response(&self.cursor, self.pace.so_far(), status, error.as_ref());
        let Some(shown) = shown.filter(|shown| shown.status != "failed") else { return Conclusion::Failed };
        let Some(conversation) = self.conversation.take() else { return Conclusion::Unknown };
        let mut conversation = Arc::unwrap_or_clone(conversation);
        conversation.extend(shown.output());
        Conclusion::Continues(conversation)
    }
}

/// How a turn ended.
pub(super) enum Conclusion {
    /// It can be continued: this is the conversation with the answer in it.
    Continues(Vec<Item>),
    /// It can be continued, but the conversation is in the store.
    Unknown,
    /// It failed.
    Failed,
}

/// The response that a request continues.
pub(super) fn previous_of(request: &Request) -> Option<ResponseId> {
    request.previous_response_id.as_ref()?.parse().ok()
}
