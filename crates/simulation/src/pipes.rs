//! Connections between clients and gateways: in memory, with small buffers, so that a client that does not read is felt.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
};

use gateway::Accept;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    sync::mpsc,
};

use crate::{dice::Dice, life::Life};

/// What a connection's buffers hold in each direction.
const BUFFER_BYTES: usize = 4 * 1024;

/// As many connections may wait to be accepted.
const BACKLOG: usize = 128;

/// The clients' side of one gateway's port.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    life: Life,
    connections: mpsc::Sender<Wire>,
    wires: Arc<Mutex<Vec<Weak<Stream>>>>,
}

/// The gateway's side of its port.
pub(crate) struct Door {
    life: Life,
    connections: mpsc::Receiver<Wire>,
}

/// The gateway's end of a connection. Its port can cut it, too.
#[derive(Debug)]
pub(crate) struct Wire {
    life: Life,
    stream: Arc<Stream>,
}

type Stream = Mutex<Option<DuplexStream>>;

/// A port of the gateway with this life.
pub(crate) fn port(life: Life) -> (Port, Door) {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    let port = Port { life: life.clone(), connections: sender, wires: Arc::default() };
    (port, Door { life, connections: receiver })
}

impl Port {
    /// Connects, if anybody listens.
    pub(crate) fn connect(&self) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(BUFFER_BYTES);
        let stream = Arc::new(Mutex::new(Some(theirs)));
        self.wires.lock().push(Arc::downgrade(&stream));
        let wire = Wire { life: self.life.clone(), stream };
        self.connections.try_send(wire).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(ours)
    }

    /// Cuts every connection, as the end of the process does.
    pub(crate) fn cut(&self) {
        for stream in self.wires.lock().drain(..).filter_map(|stream| stream.upgrade()) {
            drop(stream.lock().take());
        }
    }
}

/// The ports that clients know: one for each place where a gateway runs, or will again.
#[derive(Debug, Clone)]
pub(crate) struct Doors(Arc<Mutex<Vec<Option<Port>>>>);

impl Doors {
    pub(crate) fn new(places: usize) -> Self {
        Self(Arc::new(Mutex::new(vec![None; places])))
    }

    pub(crate) fn set(&self, place: usize, port: Option<Port>) {
        self.0.lock()[place] = port;
    }

    /// Connects to some gateway: its place, and the connection, if one listens there.
    pub(crate) fn connect(&self, dice: &mut Dice) -> (usize, io::Result<DuplexStream>) {
        let doors = self.0.lock();
        let place = dice.number(0..=doors.len() as u64 - 1) as usize;
        let refused = || io::ErrorKind::ConnectionRefused.into();
        (place, doors[place].as_ref().map_or_else(|| Err(refused()), Port::connect))
    }
}

impl Accept for Door {
    type Connection = Wire;

    async fn accept(&mut self) -> io::Result<(Wire, SocketAddr)> {
        self.life.running().await;
        match self.connections.recv().await {
            Some(wire) => Ok((wire, (Ipv4Addr::LOCALHOST, 1).into())),
            None => std::future::pending().await,
        }
    }
}

impl Wire {
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        step: impl FnOnce(Pin<&mut DuplexStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match (self.life.poll_running(cx), self.stream.lock().as_mut()) {
            (Poll::Ready(()), Some(stream)) => step(Pin::new(stream), cx),
            // Frozen, or dead: nobody is there to see the end of the connection.
            _ => Poll::Pending,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |stream, cx| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, AsyncWrite::poll_shutdown)
    }
}
