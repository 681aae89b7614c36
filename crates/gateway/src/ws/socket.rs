//! One WebSocket as a thing to poll: it reads, and at the same time writes out what it holds.
//!
//! The library has the protocol, and is used without `tokio-tungstenite`'s stream around it: here one task does both ways, so it
//! needs no wakers of its own for each, and what the library holds can be given back. A [`WebSocketContext`] never lets go of the
//! largest buffers that it once needed. So there is one only while there is something to say: it is dropped
//! [at rest](Socket::rest), and made anew by the next byte that comes or is to leave.

use std::{
    future::poll_fn,
    io::ErrorKind,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::{Role, WebSocketConfig, WebSocketContext},
};

use super::wire::{Polled, Wire};

/// So much is read at first from a connection at rest.
const FIRST_READ: usize = 2 * 1024;

/// So much may wait for a client that does not read. Events take less than half of it; the rest is for answers to what it says.
const MAX_WAITING: usize = 64 * 1024;

/// What the heads of a message's frames may take beside it, when it is short.
const MAX_OVERHEAD: usize = 64 * 1024;

/// What a frame of a client takes before its content, at least: two bytes and a mask (RFC 6455, section 5.2).
const HEAD: usize = 6;

/// A socket that knows whether what was written has left.
pub(super) struct Socket<S = TokioIo<Upgraded>> {
    wire: Wire<S>,
    /// The state of the protocol, with its buffers. `None` at rest.
    context: Option<Box<WebSocketContext>>,
    max_message_bytes: usize,
    /// How many bytes had come when the last message was whole, pings and pongs after it included.
    read_before: u64,
    /// How many bytes at least the messages took that were whole.
    heard: u64,
    /// About how many bytes were written since all had left.
    waiting: usize,
    unflushed: bool,
    /// Whether the client did not take what was written at once.
    blocked: bool,
    /// Nothing more can be read.
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) const fn new(wire: Wire<S>, max_message_bytes: usize) -> Self {
        Self {
            wire,
            context: None,
            max_message_bytes,
            read_before: 0,
            heard: 0,
            waiting: 0,
            unflushed: false,
            blocked: false,
            ended: false,
        }
    }

    /// The next message, `None` at the end. Cancel safe.
    ///
    /// A message in so many fragments that their heads are longer than any message may be is too long.
    pub(super) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        let polled = self.poll_read(cx);
        let read = self.read();
        match &polled {
            // It may stand between the fragments of a message, and is none of them.
            Poll::Ready(Some(Ok(message @ (Message::Ping(_) | Message::Pong(_))))) => {
                self.heard += least_size(message);
                self.read_before += least_size(message);
                return polled;
            }
            Poll::Ready(message) => {
                if let Some(Ok(message)) = message {
                    self.heard += least_size(message);
                }
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

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let read = match &mut self.context {
            Some(context) => ready!(unless_blocked(context.read(&mut Polled { wire: &mut self.wire, cx }))),
            None => ready!(self.poll_first_read(cx)),
        };
        self.ended = read.is_err();
        Poll::Ready(match read {
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => None,
            read => Some(read),
        })
    }

    /// Reads at rest, into no buffer of this connection's.
    fn poll_first_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Error>> {
        let mut bytes = [MaybeUninit::uninit(); FIRST_READ];
        let mut buffer = ReadBuf::uninit(&mut bytes);
        ready!(Pin::new(&mut self.wire).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            return Poll::Ready(Err(ProtocolError::ResetWithoutClosingHandshake.into()));
        }
        let config = config(self.max_message_bytes);
        let context = WebSocketContext::from_partially_read(buffer.filled().to_vec(), Role::Server, config);
        let context = self.context.insert(Box::new(context));
        unless_blocked(context.read(&mut Polled { wire: &mut self.wire, cx }))
    }

    /// How many bytes have come.
    pub(super) const fn read(&self) -> u64 {
        self.wire.received()
    }

    /// Puts a message behind those that wait to be written. The caller bounds how much that is: it writes only when the
    /// socket is [clear](Self::poll_clear), a little at a time.
    pub(super) fn write(&mut self, message: Message) -> Result<(), Error> {
        self.unflushed = true;
        self.waiting += message.len();
        let config = || config(self.max_message_bytes);
        let context =
            self.context.get_or_insert_with(|| Box::new(WebSocketContext::new(Role::Server, config())));
        // Nobody waits here: who has written asks whether the socket is clear before it waits for anything.
        let cx = &mut Context::from_waker(Waker::noop());
        match unless_blocked(context.write(&mut Polled { wire: &mut self.wire, cx }, message)) {
            Poll::Ready(written) => written,
            Poll::Pending => Ok(()),
        }
    }

    /// Ready when all that was written has left.
    pub(super) fn poll_clear(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let flushed = self.poll_flush(cx);
        match flushed {
            Poll::Ready(_) => (self.unflushed, self.waiting) = (false, 0),
            Poll::Pending => self.blocked = true,
        }
        flushed
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(context) = &mut self.context else { return Poll::Ready(Ok(())) };
        match ready!(unless_blocked(context.flush(&mut Polled { wire: &mut self.wire, cx }))) {
            // That was the end of a closing handshake.
            Err(Error::ConnectionClosed) => Poll::Ready(Ok(())),
            flushed => Poll::Ready(flushed),
        }
    }

    /// Gives back what reading and writing took: a connection is idle for most of its life. To be called when both have to wait.
    ///
    /// Nothing is lost by that. What was written has left, and what was read was all heard: a message took no less than it
    /// [has to](least_size), so if all of them took as much as has come, then there is neither a fragment of a message nor a piece of
    /// a frame. A client that fragments its messages is no longer seen to say nothing, and keeps its buffers.
    pub(super) fn rest(&mut self, cx: &mut Context<'_>) {
        let is_at_rest = |context: &WebSocketContext| context.can_read() && context.can_write();
        if self.unflushed || self.heard != self.read() || !self.context.as_deref().is_some_and(is_at_rest) {
            return;
        }
        // An answer to a ping may not have left.
        match self.poll_flush(cx) {
            Poll::Ready(Ok(())) => self.context = None,
            _ => self.unflushed = true,
        }
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
        if self.wire.shutdown().await.is_ok() {
            let mut unseen = vec![0; 4 * 1024];
            while self.wire.read(&mut unseen).await.is_ok_and(|length| length > 0) {}
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

/// How a WebSocket is buffered while there is something to say. The library's defaults hold 128 KiB for each of both ways; frames
/// are small.
fn config(max_message_bytes: usize) -> Option<WebSocketConfig> {
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(usize::MAX)
        .max_message_size(Some(max_message_bytes))
        .max_frame_size(Some(max_message_bytes));
    Some(config)
}

/// How many bytes a client's message takes on the wire, at least: in one frame, whose length is written as short as can be.
fn least_size(message: &Message) -> u64 {
    let length = message.len();
    let further = match length {
        ..126 => 0,
        126..0x1_0000 => 2,
        _ => 8,
    };
    (HEAD + further + length) as u64
}

fn unless_blocked<T>(outcome: Result<T, Error>) -> Poll<Result<T, Error>> {
    match outcome {
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        outcome => Poll::Ready(outcome),
    }
}

#[cfg(test)]
mod tests;
