//! The gateway's life: build, run, drain.

use std::{fmt, future::Future, io, sync::Arc};

use broker::{Broker, Member};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Config, Metrics, delivery::Hub, ending::Ender, http, roster::Roster};

/// What all of a gateway's connections share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) broker: Broker,
    pub(crate) member: Member,
    pub(crate) metrics: Metrics,
    pub(crate) hub: Hub,
    pub(crate) roster: Roster,
    /// Tasks that end by themselves soon: a drain waits for them.
    pub(crate) tasks: TaskTracker,
    /// WebSocket connections: a drain closes them.
    pub(crate) sockets: TaskTracker,
    pub(crate) drain: CancellationToken,
}

/// Where connections come from: a socket that listens, or, in a simulation, whatever behaves like one.
pub trait Accept: Send {
    /// What a client speaks through.
    type Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

impl Accept for TcpListener {
    type Connection = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = Self::accept(self).await?;
        // Without it a small frame waits up to 40 ms for the acknowledgement of the one before.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "failed to set TCP_NODELAY");
        }
        Ok(stream)
    }
}

/// A gateway, ready to run.
pub struct Gateway(Arc<Shared>);

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gateway").field(&self.0.member).finish()
    }
}

impl Gateway {
    /// A gateway in front of `broker`, with a name of its own.
    pub fn build(config: Config, broker: Broker, member: Member, metrics: Metrics) -> Self {
        let tasks = TaskTracker::new();
        let hub = Hub::new(
            Ender { broker: broker.clone(), member: member.clone(), store_ttl: config.store_ttl },
            config.window_bytes,
            config.queue_timeout,
            tasks.clone(),
        );
        let roster = Roster::new(Arc::clone(&broker.control));
        let sockets = TaskTracker::new();
        let drain = CancellationToken::new();
        Self(Arc::new(Shared { config, broker, member, metrics, hub, roster, tasks, sockets, drain }))
    }

    /// Serves connections from `listener` until `drain` is cancelled. Then takes nothing new, lets running streams end
    /// within the drain time, closes WebSockets with 1012 spread over it, and returns.
    pub async fn run<L: Accept>(self, mut listener: L, drain: CancellationToken) {
        let Self(shared) = self;
        let done = CancellationToken::new();
        shared.tasks.spawn(shared.hub.clone().sweep(done.clone()));
        shared.tasks.spawn(shared.roster.clone().keep(done.clone()));
        let graceful = GracefulShutdown::new();
        let connections = TaskTracker::new();
        while let Some(accepted) = drain.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok(stream) => serve(&shared, stream, &graceful, &connections),
                Err(error) => {
                    // Mostly a lack of descriptors: some connection has to end first.
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        shared.drain.cancel();
        drain_connections(&shared, graceful, &connections).await;
        done.cancel();
        shared.tasks.close();
        shared.tasks.wait().await;
    }
}

fn serve<C>(shared: &Arc<Shared>, stream: C, graceful: &GracefulShutdown, connections: &TaskTracker)
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(shared.config.header_timeout)
        .max_buf_size(64 * 1024)
        .http2()
        .timer(TokioTimer::new())
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(Some(shared.config.ping_interval))
        .enable_connect_protocol();
    let service = {
        let shared = Arc::clone(shared);
        hyper::service::service_fn(move |request| http::serve(Arc::clone(&shared), request))
    };
    let watcher = graceful.watcher();
    let open = shared.metrics.open_connection("http");
    connections.spawn(async move {
        let _open = open;
        let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended with an error");
        }
    });
}

/// Waits for what runs, at most for the drain time.
async fn drain_connections(shared: &Shared, graceful: GracefulShutdown, connections: &TaskTracker) {
    shared.sockets.close();
    connections.close();
    let all = async {
        tokio::join!(graceful.shutdown(), shared.sockets.wait());
    };
    if tokio::time::timeout(shared.config.drain_timeout, all).await.is_err() {
        tracing::info!("the drain time is over: streams that still run can be resumed at another gateway");
    }
}
