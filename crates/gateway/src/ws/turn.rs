//! One running turn of a connection.

use protocol::{Dialect, Request};
use stream::{Event, EventKind, ResponseId, Sequence};
use tokio::time::Instant;

use super::lanes::LaneId;
use crate::{
    continuation::{Conversation, output_items},
    delivery::{Cursor, Piece},
    metrics::Metrics,
};

/// At most so many bytes of text are told as one delta.
const MAX_MERGED: usize = 4 * 1024;

/// A response whose events go to one lane.
pub(super) struct Turn {
    pub(super) lane: LaneId,
    pub(super) cursor: Cursor,
    pub(super) previous: Option<ResponseId>,
    conversation: Option<Conversation>,
    begun: Instant,
    tokens: u64,
    /// An `error` that is told with the event after it.
    untold_error: Option<Sequence>,
}

/// How a client is told events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) dialect: Dialect,
    /// The client did not take the last batch at once: deltas of the same text become one.
    pub(super) is_behind: bool,
}

impl Turn {
    pub(super) fn new(
        lane: LaneId,
        cursor: Cursor,
        previous: Option<ResponseId>,
        conversation: Option<Conversation>,
        begun: Instant,
    ) -> Self {
        Self { lane, cursor, previous, conversation, begun, tokens: 0, untold_error: None }
    }

    /// Calls `frame` with each event, rendered.
    ///
    /// A response that fails is told so once, by `response.failed`. The clients' sessions take an `error` as the end of a turn
    /// and whatever follows as part of the next one, so the event is merged into the one that does end it.
    pub(super) fn render(
        &mut self,
        pieces: &[Piece],
        manner: Manner,
        metrics: &Metrics,
        mut frame: impl FnMut(String),
    ) {
        let id = self.cursor.id();
        let events = pieces.iter().flat_map(Piece::events);
        for merged in protocol::merge(events, if manner.is_behind { MAX_MERGED } else { 0 }) {
            if merged.event.kind() == EventKind::Error {
                self.untold_error.get_or_insert(merged.first);
                continue;
            }
            let first = self.untold_error.take().or(merged.merged_from());
            metrics.merged.inc_by(first.map_or(0, |first| merged.last - first));
            if let Event::Delta(_) = &*merged.event {
                if self.tokens == 0 {
                    metrics.observe_first_token("websocket", self.begun.elapsed());
                }
                self.tokens += 1 + first.map_or(0, |first| merged.last - first);
            }
            let mut json = String::with_capacity(256);
            manner.dialect.event_json(&mut json, id, merged.last, &merged.event, self.lane.as_deref(), first);
            frame(json);
        }
    }

    /// What the connection is to remember, after the last events.
    pub(super) fn conclude(&self, last: &Piece, metrics: &Metrics) -> Conclusion {
        metrics.count_tokens("websocket", self.tokens);
        let resource = last.events().last().and_then(|(_, event)| protocol::resource_of(event));
        let Some(resource) = resource.filter(|resource| resource["status"] != "failed") else {
            return Conclusion::Failed;
        };
        let Some(conversation) = &self.conversation else { return Conclusion::Unknown };
        let mut conversation = conversation.to_vec();
        conversation.extend(output_items(&resource));
        Conclusion::Continues(Conversation::new(conversation))
    }
}

/// How a turn ended.
pub(super) enum Conclusion {
    /// It can be continued: this is the conversation with the answer in it.
    Continues(Conversation),
    /// It can be continued, but the conversation is in the store.
    Unknown,
    /// It failed.
    Failed,
}

/// The response that a request continues.
pub(super) fn previous_of(request: &Request) -> Option<ResponseId> {
    request.previous_response_id.as_ref()?.parse().ok()
}
