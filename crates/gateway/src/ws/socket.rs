//! One WebSocket as a thing to poll: it reads, and at the same time writes out what it holds.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Sink as _, Stream as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, error::CapacityError, protocol::WebSocketConfig},
};

use super::wire::Wire;

/// How a WebSocket is buffered. The library's defaults hold 128 KiB for each of both ways and keep it; a connection is idle
/// for most of its life, and its frames are small.
pub(super) fn config(max_message_bytes: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(max_message_bytes))
        .max_frame_size(Some(max_message_bytes))
}

/// So much may wait for a client that does not read. Events take less than half of it; the rest is for answers to what it says.
const MAX_WAITING: usize = 64 * 1024;

/// What the heads of a message's frames may take beside it, when it is short.
const MAX_OVERHEAD: usize = 64 * 1024;

/// The head of a ping or a pong that a client sends (RFC 6455, section 5.2): two bytes and a mask.
const CONTROL_HEAD: usize = 6;

/// A socket that knows whether what was written has left.
pub(super) struct Socket {
    inner: WebSocketStream<Wire<TokioIo<Upgraded>>>,
    /// How many bytes had come when the last message was whole, pings and pongs after it included.
    read_before: u64,
    max_message_bytes: usize,
    unflushed: bool,
    /// About how many bytes were written since all had left.
    waiting: usize,
    /// Whether the client did not take what was written at once.
    blocked: bool,
}

impl Socket {
    pub(super) const fn new(
        inner: WebSocketStream<Wire<TokioIo<Upgraded>>>,
        max_message_bytes: usize,
    ) -> Self {
        Self { inner, read_before: 0, max_message_bytes, unflushed: false, waiting: 0, blocked: false }
    }

    /// The next message, `None` at the end. Cancel safe.
    ///
    /// A message in so many fragments that their heads are longer than any message may be is too long.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        let polled = Pin::new(&mut self.inner).poll_next(cx);
        let read = self.read();
        match &polled {
            // It may stand between the fragments of a message, and is none of them.
            Poll::Ready(Some(Ok(message @ (Message::Ping(_) | Message::Pong(_))))) => {
                self.read_before += (message.len() + CONTROL_HEAD) as u64;
                return polled;
            }
            Poll::Ready(_) => {
                self.read_before = read;
                return polled;
            }
            Poll::Pending => {}
        }
        let (size, max_size) = (read.saturating_sub(self.read_before) as usize, self.max_message_bytes);
        if size > max_size.saturating_mul(2) + MAX_OVERHEAD {
            return Poll::Ready(Some(Err(CapacityError::MessageTooLong { size, max_size }.into())));
        }
        Poll::Pending
    }

    /// How many bytes have come.
    pub(super) fn read(&self) -> u64 {
        self.inner.get_ref().read()
    }

    /// Puts a message behind those that wait to be written. The caller bounds how much that is: it writes only when the
    /// socket is [clear](Self::poll_clear), a little at a time.
    pub(super) fn write(&mut self, message: Message) -> Result<(), Error> {
        self.unflushed = true;
        self.waiting += message.len();
        Pin::new(&mut self.inner).start_send(message)
    }

    /// Ready when all that was written has left.
    pub(super) fn poll_clear(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        match flushed {
            Poll::Ready(_) => (self.unflushed, self.waiting) = (false, 0),
            Poll::Pending => self.blocked = true,
        }
        flushed
    }

    /// Ends the connection in peace: what was written leaves, the closing handshake is completed, and the client goes first.
    ///
    /// What it still sends is taken in unseen until then. To close on it would reset the connection, and what was said last,
    /// such as that its message is too large, would be lost with it. The caller bounds the time.
    pub(super) async fn part(&mut self) {
        // Also the answer to a close of the client's, which the library has put there.
        self.unflushed = true;
        let _ = poll_fn(|cx| self.poll_clear(cx)).await;
        while let Some(Ok(_)) = poll_fn(|cx| self.poll_message(cx)).await {}
        let stream = self.inner.get_mut();
        if stream.shutdown().await.is_ok() {
            let mut unseen = vec![0; 4 * 1024];
            while stream.read(&mut unseen).await.is_ok_and(|length| length > 0) {}
        }
    }

    /// Whether so much waits to be written that nothing more should be read which would be answered.
    pub(super) const fn is_full(&self) -> bool {
        self.waiting >= MAX_WAITING
    }

    /// Whether the client was behind since this was last asked.
    pub(super) const fn take_blocked(&mut self) -> bool {
        std::mem::replace(&mut self.blocked, false)
    }
}
