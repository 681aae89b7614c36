//! What an operator may set about a gateway. Plain fields; the binary reads them from files, environment and flags.

use std::time::Duration;

use crate::Proxies;

/// The gateway's settings, with their defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// Limits of one connection.
    pub limits: Limits,
    /// The proxies in front of the gateway.
    pub proxies: Proxies,
    /// Whether clients are served that somebody on the way could read along with: on a listener without TLS, from anywhere
    /// but this machine, and by no proxy that says that it ends their TLS.
    pub allow_plain: bool,
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
    /// How many bytes of a stream's latest records are kept in memory; who is further behind reads the log.
    pub window_bytes: usize,
}

/// Limits of one WebSocket connection.
#[derive(Debug, Clone)]
pub struct Limits {
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
            proxies: Proxies::default(),
            allow_plain: false,
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
            window_bytes: 32 * 1024,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_lanes: 32, max_in_flight: 16, max_waiting: 64 }
    }
}
