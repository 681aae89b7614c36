//! The gateway's life: build, run, drain.

use std::{fmt, net::SocketAddr, sync::Arc};

use broker::{Broker, Member};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use identity::Authenticator;
use protocol::ApiError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config, Metrics,
    delivery::Hub,
    ending::Ender,
    http,
    limit::{Complaints, Crowd, Entry, Pressure, Quota, Seat},
    listen::{Accept, Peer, Tls},
    metrics::OpenConnection,
    queues,
    roster::Roster,
};

/// What all of a gateway's connections share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) broker: Broker,
    pub(crate) member: Member,
    pub(crate) metrics: Metrics,
    pub(crate) hub: Hub,
    pub(crate) roster: Roster,
    pub(crate) crowd: Crowd,
    pub(crate) pressure: Pressure,
    pub(crate) complaints: Complaints,
    pub(crate) quota: Quota,
    /// Tasks that end by themselves soon: a drain waits for them.
    pub(crate) tasks: TaskTracker,
    /// WebSocket connections: a drain closes them.
    pub(crate) sockets: TaskTracker,
    pub(crate) drain: CancellationToken,
}

/// A gateway, ready to run.
pub struct Gateway(Arc<Shared>);

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gateway").field(&self.0.member).finish()
    }
}

impl Gateway {
    /// A gateway in front of `broker`, with a name of its own, for those whom `authenticator` lets in.
    ///
    /// While `pressure` is high, it takes nothing new.
    pub fn build(
        config: Config,
        authenticator: Arc<Authenticator>,
        broker: Broker,
        member: Member,
        metrics: Metrics,
        pressure: Pressure,
    ) -> Self {
        let tasks = TaskTracker::new();
        let hub = Hub::new(
            Ender {
                broker: broker.clone(),
                member: member.clone(),
                store_ttl: config.store_ttl,
                tracer: config.tracer.clone(),
            },
            config.window_bytes,
            config.queue_timeout,
            tasks.clone(),
            metrics.clone(),
        );
        let roster = Roster::new(Arc::clone(&broker.control));
        let crowd = Crowd::new(&config.limits);
        let quota = Quota::new(config.quotas, Arc::clone(&broker.store), tasks.clone());
        let sockets = TaskTracker::new();
        let drain = CancellationToken::new();
        Self(Arc::new(Shared {
            config,
            authenticator,
            broker,
            member,
            metrics,
            hub,
            roster,
            crowd,
            pressure,
            complaints: Complaints::new(),
            quota,
            tasks,
            sockets,
            drain,
        }))
    }

    /// Serves connections from `listener`, with TLS if there is `tls`, until `drain` is cancelled. Then takes nothing new, lets running streams end
    /// within the drain time, closes WebSockets with 1012 spread over it, and returns.
    pub async fn run<L: Accept>(self, mut listener: L, tls: Option<Tls>, drain: CancellationToken) {
        let Self(shared) = self;
        let done = CancellationToken::new();
        shared.tasks.spawn(shared.hub.clone().sweep(done.clone()));
        shared.tasks.spawn(shared.roster.clone().keep(done.clone()));
        shared.tasks.spawn(Arc::clone(&shared.authenticator).keep(done.clone()));
        shared.tasks.spawn(shared.crowd.clone().keep(done.clone()));
        shared.tasks.spawn(queues::watch(
            shared.broker.clone(),
            shared.roster.clone(),
            shared.metrics.clone(),
            done.clone(),
        ));
        let graceful = GracefulShutdown::new();
        let connections = TaskTracker::new();
        while let Some(accepted) = drain.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok((stream, address)) => {
                    let from =
                        Some(address.ip()).filter(|ip| !shared.config.proxies.is_proxy(ip.to_canonical()));
                    let (seat, refusal) = match shared.crowd.enter(from) {
                        Entry::Serve(seat) => (seat, None),
                        Entry::Refuse(seat, error) => (seat, Some(error)),
                        Entry::Drop => {
                            shared.metrics.count_limited("connection_dropped");
                            continue;
                        }
                    };
                    let arrival =
                        Arrival { address, refusal, open: shared.metrics.open_connection("http"), seat };
                    let (shared, watcher, tls) = (Arc::clone(&shared), graceful.watcher(), tls.clone());
                    connections.spawn(welcome(shared, stream, arrival, tls, watcher));
                }
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

impl Shared {
    /// Whether one more refusal is to be logged; what is not is counted.
    pub(crate) fn log_refusal(&self) -> bool {
        let is_logged = self.complaints.take();
        if !is_logged {
            self.metrics.count_limited("refusal_not_logged");
        }
        is_logged
    }
}

/// What is known of a connection when it comes.
struct Arrival {
    address: SocketAddr,
    /// Why it is not served, if it is not.
    refusal: Option<ApiError>,
    open: OpenConnection,
    seat: Seat,
}

/// One connection, from its first byte on.
async fn welcome<C>(shared: Arc<Shared>, stream: C, arrival: Arrival, tls: Option<Tls>, watcher: Watcher)
where
    C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Arrival { address, refusal, open, seat } = arrival;
    let peer = |is_encrypted| Peer { address, is_encrypted, refusal, seat: Arc::new(seat) };
    match tls {
        None => serve(shared, stream, peer(false), watcher).await,
        Some(tls) => {
            if let Some(stream) = tls.accept(stream, shared.config.handshake_timeout).await {
                serve(shared, stream, peer(true), watcher).await;
            }
        }
    }
    drop(open);
}

/// Speaks HTTP with a client, and lets go of the connection when it becomes a WebSocket.
async fn serve<C>(shared: Arc<Shared>, stream: C, peer: Peer, watcher: Watcher)
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
    let service =
        hyper::service::service_fn(move |request| http::serve(Arc::clone(&shared), peer.clone(), request));
    let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended with an error");
    }
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
