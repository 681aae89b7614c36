//! A stream as Server-Sent Events.
//!
//! The body is polled when the client can take more, so it renders just then: what waits meanwhile waits in the feed's
//! window or in the log, not here. A client that was not ready for a while gets the deltas that wait merged.

use std::{
    convert::Infallible,
    fmt::Write as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame};
use prometheus_client::metrics::counter::Counter;
use protocol::{ChatStream, Dialect, SSE_DONE, Shown};
use stream::{Event, ResponseId};
use tokio::time::{Instant, Sleep};

use crate::{
    continuation::unavailable,
    delivery::{Cursor, Piece},
    gateway::Shared,
    metrics::Pace,
};

/// At most about so many bytes are rendered at a time.
const MAX_CHUNK: usize = 16 * 1024;

/// A client that comes back for more only after this was not ready: it is behind.
const BEHIND_AFTER: Duration = Duration::from_millis(100);

/// At most so many bytes of text are told as one delta.
const MAX_MERGED: usize = 4 * 1024;

/// The events of one response, as a body.
pub(super) struct Events {
    shared: Arc<Shared>,
    cursor: Cursor,
    told: Told,
    /// Whether each event has its number as its id.
    ids: bool,
    chunk: String,
    /// When the last chunk was given out; `None` once the client was found waiting.
    given: Option<Instant>,
    pace: Pace,
    /// Bytes written to clients.
    sent: Counter,
    ended: bool,
    keep_alive: Pin<Box<Sleep>>,
}

/// In which words a stream is told.
pub(super) enum Told {
    /// Open Responses events.
    Responses(ResponseId, Dialect),
    /// Chat Completions chunks.
    Chat(Box<ChatStream>),
}

impl Events {
    /// The events of `cursor`, asked for at `begun`; `None` if that was before.
    pub(super) fn new(shared: &Arc<Shared>, cursor: Cursor, told: Told, begun: Option<Instant>) -> Self {
        Self {
            pace: Pace::new(&shared.metrics, "sse", cursor.model(), begun),
            sent: shared.metrics.bytes("sse").1,
            shared: Arc::clone(shared),
            cursor,
            told,
            ids: false,
            chunk: String::new(),
            given: None,
            ended: false,
            keep_alive: Box::pin(tokio::time::sleep(shared.config.ping_interval)),
        }
    }

    /// With an id for each event, by which a browser resumes.
    pub(super) const fn with_ids(mut self, ids: bool) -> Self {
        self.ids = ids;
        self
    }

    /// Renders what there is, up to a bound.
    fn gather(&mut self, cx: &mut Context<'_>) {
        let is_behind = self.given.take().is_some_and(|given| given.elapsed() > BEHIND_AFTER);
        while self.chunk.len() < MAX_CHUNK {
            match self.cursor.poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(piece))) if is_behind => {
                    let mut pieces = vec![piece];
                    self.cursor.gather(&mut pieces, MAX_CHUNK, cx);
                    self.render(&pieces, is_behind);
                }
                Poll::Ready(Some(Ok(piece))) => self.render(std::slice::from_ref(&piece), is_behind),
                Poll::Ready(Some(Err(error))) => {
                    let error = unavailable(error);
                    self.shared.metrics.count_error("sse", &error);
                    // Without the usual end: the client can see that this is not the end of the response.
                    self.told.error(&error, &mut self.chunk);
                    self.ended = true;
                    return;
                }
                Poll::Ready(None) => {
                    if let Told::Responses(..) = self.told {
                        self.chunk.push_str(SSE_DONE);
                    }
                    self.ended = true;
                    return;
                }
            }
        }
    }

    fn render(&mut self, pieces: &[Piece], is_behind: bool) {
        let events = || pieces.iter().flat_map(Piece::events);
        let deltas = events().filter(|(_, event)| matches!(event, Event::Delta(_))).count() as u64;
        if deltas > 0 {
            self.pace.told(deltas);
        }
        if let Some((_, terminal)) = events().last().filter(|(_, event)| event.is_terminal()) {
            let status = Shown::by(terminal).map(|shown| shown.status);
            let error = events().find_map(|(_, event)| protocol::read_error(event));
            let (metrics, so_far) = (&self.shared.metrics, self.pace.so_far());
            metrics.end_response(&self.cursor, so_far, status, error.as_ref());
        }
        match &mut self.told {
            Told::Chat(chat) => events().for_each(|(_, event)| chat.event(event, &mut self.chunk)),
            Told::Responses(id, dialect) => {
                for merged in protocol::merge(events(), if is_behind { MAX_MERGED } else { 0 }) {
                    let first = merged.merged_from();
                    self.shared.metrics.merged.inc_by(first.map_or(0, |first| merged.last - first));
                    if self.ids {
                        let _ = writeln!(self.chunk, "id: {}", merged.last);
                    }
                    dialect.sse_frame(&mut self.chunk, *id, merged.last, &merged.event, None, first);
                }
            }
        }
    }
}

impl Told {
    fn error(&self, error: &protocol::ApiError, out: &mut String) {
        if let Self::Responses(..) = self {
            out.push_str("event: error\n");
        }
        out.push_str("data: ");
        out.push_str(&match self {
            Self::Responses(..) => error.websocket_message(None),
            Self::Chat(_) => error.http_body(),
        });
        out.push_str("\n\n");
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        this.gather(cx);
        if this.chunk.is_empty() {
            if this.keep_alive.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // A comment, which every client ignores: it keeps proxies from closing a silent connection.
            this.chunk.push_str(": keep-alive\n\n");
        }
        this.given = Some(Instant::now());
        let next_sign = Instant::now() + this.shared.config.ping_interval;
        this.keep_alive.as_mut().reset(next_sign);
        let chunk = std::mem::take(&mut this.chunk);
        this.sent.inc_by(chunk.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(chunk)))))
    }
}
