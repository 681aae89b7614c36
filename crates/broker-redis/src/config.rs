//! What can be set.

use std::{fmt, time::Duration};

use crate::target;

/// Where Redis is, and the bounds of what is kept there.
#[derive(Clone)]
pub struct Config {
    /// Where Redis is: `redis://[user:password@]host:port[/database]`, or `rediss://` with TLS. A cluster is written as
    /// `redis+cluster://` or `rediss+cluster://`, or as several nodes, in one text with commas or in several. A node
    /// after the first may be just `host:port`.
    pub urls: Vec<String>,
    /// Whom to trust, and who this is, where the URL asks for TLS.
    pub tls: Tls,
    /// What all keys and channels begin with, so that several systems can share a server. Without braces: they would
    /// change on which node of a cluster a key is.
    pub key_prefix: String,
    /// How long a stream lives after its last append; it may be a tenth less.
    pub log_ttl: Duration,
    /// The shortest time between two writes of deltas. Those of all streams that come in between are written together, which
    /// costs each of them much less; a stream that is alone waits for nothing, nor does a first token or an end. Zero is
    /// none. In a cluster they are those of one partition.
    pub append_window: Duration,
    /// The largest record that the live path carries. Of a larger one, listeners are told to read the log.
    pub live_limit_bytes: usize,
    /// How many jobs the queue of one model holds at most. Beyond that, a new one is unavailable.
    pub max_jobs: u64,
    /// How many buried jobs each model keeps for inspection. Beyond that, the oldest is forgotten.
    pub max_dead: u64,
    /// How many claims wait on a node at the same time, each on a connection of its own. Those beyond that look once a
    /// second.
    pub pool_size: usize,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for an answer, a reconnection included.
    pub response_timeout: Duration,
}

/// Trust and identity, as PEM.
///
/// The cryptography is the process's own choice: the binary installs a `CryptoProvider` of rustls before it connects.
#[derive(Clone, Default)]
pub struct Tls {
    /// The certificates of the authorities to trust, instead of the public ones.
    pub authorities: Option<Vec<u8>>,
    /// What to identify with, where the server asks for it.
    pub identity: Option<Identity>,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, and those that lead to its authority.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            urls: vec!["redis://127.0.0.1:6379".into()],
            tls: Tls::default(),
            key_prefix: "nx:".into(),
            log_ttl: Duration::from_secs(60 * 60),
            append_window: Duration::from_millis(4),
            live_limit_bytes: 64 << 10,
            max_jobs: 100_000,
            max_dead: 1_000,
            pool_size: 16,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(2),
        }
    }
}

/// Without what is secret.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("nodes", &target::addresses(&self.urls))
            .field("tls", &self.tls)
            .field("key_prefix", &self.key_prefix)
            .field("log_ttl", &self.log_ttl)
            .field("append_window", &self.append_window)
            .field("live_limit_bytes", &self.live_limit_bytes)
            .field("max_jobs", &self.max_jobs)
            .field("max_dead", &self.max_dead)
            .field("pool_size", &self.pool_size)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

#[cfg(test)]
mod tests;
