//! A line that can be cut, held and delayed: a TCP proxy on the loopback, between two that do not know of it.
//!
//! It stays where it is when the server behind it is replaced, as a load balancer does.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::watch,
    time,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// What is under way at most in each direction of a line, beside what the system holds.
const CHUNK: usize = 16 * 1024;

/// How what is said in one direction gets on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Flow {
    /// As it comes.
    #[default]
    Open,
    /// Not at all for now; nothing is thrown away, as TCP would send it again.
    Held,
    /// Each piece so much later.
    Late(Duration),
}

/// How both directions get on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weather {
    /// From clients to the server.
    pub(crate) to_server: Flow,
    /// From the server to clients.
    pub(crate) to_clients: Flow,
}

/// A proxy in front of one server. All of it ends with this.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _end: DropGuard,
}

#[derive(Debug)]
struct Shared {
    server: Mutex<Option<SocketAddr>>,
    weather: watch::Sender<Weather>,
    /// The lines that stand, each with what cuts it.
    lines: Mutex<HashMap<u64, CancellationToken>>,
    next: AtomicU64,
}

impl Proxy {
    /// Listens on a free port. Without a server, connections are reset.
    pub(crate) async fn start(server: Option<SocketAddr>) -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), server).await
    }

    /// Listens at an address.
    pub(crate) async fn start_at(address: SocketAddr, server: Option<SocketAddr>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            weather: watch::Sender::default(),
            lines: Mutex::default(),
            next: AtomicU64::new(0),
        });
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let accept = accept(listener, Arc::clone(&shared), tasks.clone());
        tasks.spawn(end.clone().run_until_cancelled_owned(accept));
        Ok(Self { address, shared, _end: end.drop_guard() })
    }

    /// Where clients connect.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections go there from now on; those that stand stay.
    pub(crate) fn lead_to(&self, server: Option<SocketAddr>) {
        *self.shared.server.lock() = server;
    }

    /// How the directions get on from now on.
    pub(crate) fn set(&self, weather: Weather) {
        self.shared.weather.send_replace(weather);
    }

    /// Resets every line that `chosen` says yes to, on both sides. How many.
    pub(crate) fn cut(&self, mut chosen: impl FnMut() -> bool) -> usize {
        let mut lines: Vec<_> = self.shared.lines.lock().iter().map(|(at, cut)| (*at, cut.clone())).collect();
        lines.sort_by_key(|(at, _)| *at);
        lines.iter().filter(|_| chosen()).inspect(|(_, cut)| cut.cancel()).count()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of descriptors, most likely: some line has to end first.
            time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        tasks.spawn(async move {
            let at = shared.next.fetch_add(1, Ordering::Relaxed);
            let cut = CancellationToken::new();
            shared.lines.lock().insert(at, cut.clone());
            let server = *shared.server.lock();
            carry(client, server, &shared, cut).await;
            shared.lines.lock().remove(&at);
        });
    }
}

/// Carries what both sides say until both have ended, one is reset, or the line is cut.
async fn carry(mut client: TcpStream, server: Option<SocketAddr>, shared: &Shared, cut: CancellationToken) {
    reset_on_close(&client);
    let Some(server) = server else { return };
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    reset_on_close(&server);
    // A line that holds small pieces back would measure itself.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    // Not split into owned halves: those end a direction in peace when they are dropped.
    let ((mut client_reads, mut client_writes), (mut server_reads, mut server_writes)) =
        (client.split(), server.split());
    let both = async {
        tokio::try_join!(
            pump(&mut client_reads, &mut server_writes, shared, |weather| weather.to_server),
            pump(&mut server_reads, &mut client_writes, shared, |weather| weather.to_clients),
        )
    };
    if let Some(Ok(_)) = cut.run_until_cancelled(both).await {
        // Both have said all: this is the one end in peace.
        for stream in [&client, &server] {
            let _ = socket2::SockRef::from(stream).set_linger(None);
        }
    }
}

async fn pump(
    from: &mut ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    shared: &Shared,
    flow: fn(&Weather) -> Flow,
) -> io::Result<()> {
    let mut weather = shared.weather.subscribe();
    let mut piece = vec![0; CHUNK];
    loop {
        let length = from.read(&mut piece).await?;
        let passes = weather.wait_for(|weather| flow(weather) != Flow::Held).await;
        // Closed with the proxy, and the line with it.
        let now = passes.map(|weather| flow(&weather)).map_err(io::Error::other)?;
        if let Flow::Late(delay) = now {
            time::sleep(delay).await;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..length]).await?;
    }
}

/// Makes the system reset the connection when it is closed, and not end it in peace.
fn reset_on_close(stream: &TcpStream) {
    // If the system refuses, the other side sees an end and no reset: one kind of fault is another then.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests;
