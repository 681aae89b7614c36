//! What an operator may set about a gateway. Plain fields; the binary reads them from files, environment and flags.

use std::time::Duration;

use trace::Tracer;

use crate::{Origins, Proxies, Quotas};

/// The gateway's settings, with their defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// Limits of one connection.
    pub limits: Limits,
    /// What users and tenants may take.
    pub quotas: Quotas,
    /// The proxies in front of the gateway.
    pub proxies: Proxies,
    /// Whether clients are served that somebody on the way could read along with: on a listener without TLS, from anywhere
    /// but this machine, and by no proxy that says that it ends their TLS.
    pub allow_plain: bool,
    /// Which pages' scripts may call, such as `https://app.example.com`; `*` for all.
    pub origins: Origins,
    /// How long a client may take for its TLS handshake.
    pub handshake_timeout: Duration,
    /// The longest HTTP body and WebSocket message, in bytes. Larger ones are refused before they are buffered whole.
    pub max_message_bytes: usize,
    /// How deep JSON may nest.
    pub max_json_depth: usize,
    /// How often an idle WebSocket is pinged.
    pub ping_interval: Duration,
    /// A WebSocket that has said nothing for so long, not even a pong, is closed.
    pub idle_timeout: Duration,
    /// A WebSocket that is older than this is told `websocket_connection_limit_reached` and closed, once its running
    /// responses have ended.
    pub max_connection_age: Duration,
    /// A request whose head takes longer than this is dropped.
    pub header_timeout: Duration,
    /// How long a response runs on after its last subscriber has gone.
    pub grace: Duration,
    /// How long a stored response can be read and continued.
    pub store_ttl: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency_ttl: Duration,
    /// How long a response may wait for a worker before it fails.
    pub queue_timeout: Duration,
    /// How long to wait for running streams at a planned stop.
    pub drain_timeout: Duration,
    /// How long before its token ends a WebSocket that asked for extension events is warned.
    pub token_warning: Duration,
    /// How long running responses may go on over a WebSocket whose token has ended.
    pub token_grace: Duration,
    /// How many bytes of a stream's latest records are kept in memory; who is further behind reads the log.
    pub window_bytes: usize,
    /// Tells of what is done for a response.
    pub tracer: Tracer,
}

/// Limits of what one client takes. Where nothing else is said, 0 is no limit.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time; one more is answered with 503, and a flood of them is dropped.
    pub max_connections: usize,
    /// Connections at a time from one address (of IPv6, from one /64); one more is answered with 429. Of clients behind a
    /// proxy their WebSockets and the requests that are being answered count.
    pub max_connections_per_address: usize,
    /// New connections a second from one address; of clients behind a proxy, requests.
    pub arrivals_per_second: u32,
    /// So many of them may come at once.
    pub arrivals_burst: u32,
    /// Bytes of memory that the process may take; above, nothing new is taken. Measured by who runs the gateway.
    pub max_memory: usize,
    /// Messages a second on one WebSocket, pings included; one more is refused, and a flood of them ends the connection.
    pub messages_per_second: u32,
    /// So many of them may come at once.
    pub messages_burst: u32,
    /// Bytes that a client may send on one WebSocket in all; then it is asked to open a new one.
    pub max_connection_bytes: usize,
    /// Named lanes; one more is refused with `websocket_stream_limit_reached`.
    pub max_lanes: usize,
    /// Responses at work at a time; more wait.
    pub max_in_flight: usize,
    /// Turns that wait on one connection, over all lanes; one more is refused with `too_many_requests`.
    pub max_waiting: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            quotas: Quotas::default(),
            proxies: Proxies::default(),
            allow_plain: false,
            origins: Origins::default(),
            handshake_timeout: Duration::from_secs(10),
            max_message_bytes: 1024 * 1024,
            max_json_depth: 64,
            ping_interval: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            max_connection_age: Duration::from_secs(60 * 60),
            header_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(60),
            store_ttl: Duration::from_secs(30 * 24 * 60 * 60),
            idempotency_ttl: Duration::from_secs(24 * 60 * 60),
            queue_timeout: Duration::from_secs(5 * 60),
            drain_timeout: Duration::from_secs(30),
            token_warning: Duration::from_secs(60),
            token_grace: Duration::from_secs(60),
            window_bytes: 32 * 1024,
            tracer: Tracer::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 0,
            max_connections_per_address: 1000,
            arrivals_per_second: 100,
            arrivals_burst: 1000,
            max_memory: 0,
            messages_per_second: 100,
            messages_burst: 200,
            max_connection_bytes: 100 * 1024 * 1024,
            max_lanes: 32,
            max_in_flight: 16,
            max_waiting: 64,
        }
    }
}
