//! The events of a model server's stream, on their way to becoming [`Output`]s.
//!
//! Bytes come from the connection, a parser cuts them into events, and a [`Translate`] makes outputs of each. Dropping this
//! drops the body, and with it the connection: that is how a call is aborted.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::Stream;
use http_body_util::BodyDataStream;
use hyper::body::Incoming;
use sse_stream::{Sse, SseByteStream};
use tokio::time::{Sleep, sleep};

use super::{
    limit::{LimitedEvents, ReadError},
    status::{broke_off, garbled},
};
use crate::{Error, Fault, Output};

/// One event may be so large, and a larger one is an error.
const MAX_EVENT: usize = 1024 * 1024;
/// After the end of the stream, the end of its HTTP message is waited for so long. With it, the connection serves the next
/// call; without it, the connection is closed.
const LINGER: Duration = Duration::from_millis(100);

/// What an engine makes of events. Pure: it gets each event and appends outputs.
pub(crate) trait Translate: Send + Unpin + 'static {
    /// An event came. Outputs that it appends before it fails are told.
    fn event(&mut self, event: &Sse, out: &mut VecDeque<Output>) -> Result<Progress, Error>;

    /// The stream ended, and no event had said so.
    fn end(&mut self, out: &mut VecDeque<Output>) -> Result<(), Error>;
}

/// Whether there is more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

/// The outputs of one call.
pub(crate) struct Events<T> {
    state: State,
    translate: T,
    ready: VecDeque<Output>,
}

type Reader = SseByteStream<LimitedEvents<BodyDataStream<Incoming>>>;

/// How far a call is. A reader is one box: it would make the other states large.
enum State {
    /// The server tells.
    Reading(Box<Reader>),
    /// It has told all; the connection is on its way back.
    Lingering(Box<Reader>, Pin<Box<Sleep>>),
    /// It failed, which is told after what came before.
    Failed(Error),
    /// Nothing more comes.
    Ended,
}

impl<T: Translate> Events<T> {
    pub(super) fn new(body: Incoming, translate: T) -> Self {
        let bytes = LimitedEvents::new(BodyDataStream::new(body), MAX_EVENT);
        Self { state: State::Reading(Box::new(SseByteStream::new(bytes))), translate, ready: VecDeque::new() }
    }

    fn event(&mut self, event: Option<Result<Sse, sse_stream::Error>>) {
        let progress = match event {
            Some(Ok(event)) => self.translate.event(&event, &mut self.ready),
            Some(Err(error)) => match read_error(&error) {
                // The line was cut, but perhaps the model had said all before.
                cut if cut.fault == Fault::Unreachable => {
                    self.translate.end(&mut self.ready).map(|()| Progress::Done).map_err(|_| cut)
                }
                error => Err(error),
            },
            None => self.translate.end(&mut self.ready).map(|()| Progress::Done),
        };
        self.state = match (progress, std::mem::replace(&mut self.state, State::Ended)) {
            (Err(error), _) => State::Failed(error),
            (Ok(Progress::More), state) => state,
            (Ok(Progress::Done), State::Reading(reader)) => State::Lingering(reader, Box::pin(sleep(LINGER))),
            (Ok(Progress::Done), _) => State::Ended,
        };
    }
}

impl<T: Translate> Stream for Events<T> {
    type Item = Result<Output, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(output) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(output)));
            }
            match &mut self.state {
                State::Reading(reader) => {
                    let event = ready!(Pin::new(reader).poll_next(context));
                    self.event(event);
                }
                State::Lingering(reader, sleep) => {
                    let is_over = match Pin::new(reader).poll_next(context) {
                        Poll::Ready(event) => !matches!(event, Some(Ok(_))),
                        Poll::Pending => {
                            ready!(sleep.as_mut().poll(context));
                            true
                        }
                    };
                    if is_over {
                        self.state = State::Ended;
                    }
                }
                State::Failed(_) => {
                    let State::Failed(error) = std::mem::replace(&mut self.state, State::Ended) else {
                        return Poll::Ready(None);
                    };
                    return Poll::Ready(Some(Err(error)));
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}

fn read_error(error: &sse_stream::Error) -> Error {
    let sse_stream::Error::Body(cause) = error else { return garbled(error.to_string()) };
    match cause.downcast_ref::<ReadError>() {
        Some(ReadError::TooLarge(_)) => garbled(cause.to_string()),
        Some(ReadError::Connection(cause)) => broke_off(cause.to_string()),
        None => broke_off(cause.to_string()),
    }
}
