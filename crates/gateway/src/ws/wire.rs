//! Below the WebSocket: bytes, and how many came and went.

use std::{
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pin_project! {
    /// A stream that counts what is read and written.
    #[derive(Debug)]
    pub(super) struct Wire<S> {
        #[pin]
        inner: S,
        read: u64,
        received: Counter,
        sent: Counter,
    }
}

impl<S> Wire<S> {
    /// Counts for all, in `received` and `sent`, and for itself.
    pub(super) fn new(inner: S, (received, sent): (Counter, Counter)) -> Self {
        Self { inner, read: 0, received, sent }
    }

    /// How many bytes have been read.
    pub(super) const fn received(&self) -> u64 {
        self.read
    }
}

impl<S: AsyncRead> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        let outcome = this.inner.poll_read(cx, buf);
        let read = (buf.filled().len() - before) as u64;
        *this.read += read;
        this.received.inc_by(read);
        outcome
    }
}

impl<S: AsyncWrite> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        count(this.inner.poll_write(cx, buf), this.sent)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        count(this.inner.poll_write_vectored(cx, bufs), this.sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// A wire for the time of one poll, as the WebSocket library takes it, which knows no tasks: what has to wait there is
/// [`ErrorKind::WouldBlock`], and wakes the task that polled.
pub(super) struct Polled<'a, 'c, S> {
    pub(super) wire: &'a mut Wire<S>,
    pub(super) cx: &'a mut Context<'c>,
}

impl<S: AsyncRead + Unpin> io::Read for Polled<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        at_once(Pin::new(&mut *self.wire).poll_read(self.cx, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> io::Write for Polled<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        at_once(Pin::new(&mut *self.wire).poll_write(self.cx, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        at_once(Pin::new(&mut *self.wire).poll_flush(self.cx))
    }
}

fn at_once<T>(polled: Poll<io::Result<T>>) -> io::Result<T> {
    match polled {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(ErrorKind::WouldBlock.into()),
    }
}

fn count(written: Poll<io::Result<usize>>, sent: &Counter) -> Poll<io::Result<usize>> {
    if let Poll::Ready(Ok(bytes)) = written {
        sent.inc_by(bytes as u64);
    }
    written
}
