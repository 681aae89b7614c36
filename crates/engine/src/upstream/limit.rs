//! A bound on the size of one event, for a parser that would buffer any.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use http_body_util::BodyDataStream;
use hyper::body::Incoming;

/// The bytes of an event stream, which fails when one event is larger than a bound.
///
/// An event ends with an empty line, so what is counted is the bytes since the last one. Only the last one in a chunk
/// matters, and it is looked for from the end: nearly always it is the end. An event that ends within the chunk that makes
/// it too large passes: chunks have a bound of their own, and it is memory that is bounded here.
pub(super) struct LimitedEvents<S = BodyDataStream<Incoming>> {
    inner: S,
    limit: usize,
    since_empty_line: usize,
    last_byte: u8,
}

/// Why the bytes of an event stream end too early.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// One event is larger than the bound.
    #[error("an event is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl<S> LimitedEvents<S> {
    pub(super) const fn new(inner: S, limit: usize) -> Self {
        Self { inner, limit, since_empty_line: 0, last_byte: 0 }
    }

    fn count(&mut self, chunk: &[u8]) -> Result<(), ReadError> {
        self.since_empty_line = match end_of_last_empty_line(self.last_byte, chunk) {
            Some(end) => chunk.len() - end,
            None => self.since_empty_line + chunk.len(),
        };
        self.last_byte = chunk.last().copied().unwrap_or(self.last_byte);
        if self.since_empty_line > self.limit { Err(ReadError::TooLarge(self.limit)) } else { Ok(()) }
    }
}

/// An empty line is two ends of lines in a row; a CR and an LF are one end.
fn end_of_last_empty_line(before: u8, chunk: &[u8]) -> Option<usize> {
    (0..chunk.len()).rev().find_map(|at| {
        let (first, second) = (if at == 0 { before } else { chunk[at - 1] }, chunk[at]);
        let is_empty_line = matches!((first, second), (b'\n', b'\n' | b'\r') | (b'\r', b'\r'));
        is_empty_line.then_some(at + 1)
    })
}

impl<S, E> Stream for LimitedEvents<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Item = Result<Bytes, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(Pin::new(&mut self.inner).poll_next(context)) {
            Some(Ok(chunk)) => Some(self.count(&chunk).map(|()| chunk)),
            Some(Err(error)) => Some(Err(ReadError::Connection(error.into()))),
            None => None,
        })
    }
}

#[cfg(test)]
mod tests;
