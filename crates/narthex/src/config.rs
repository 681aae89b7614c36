//! What can be set, and how it comes together: defaults, then the file, then `NARTHEX_…` variables, then flags.
//!
//! The [`catalogue`] is the one list of all settings. From it follow what the layers may say, what a complaint
//! suggests, what `narthex config` prints and what `docs/configuration.md` holds; the gateway's and the worker's
//! own defaults are read from their `Config`s, not repeated here.

mod auth;
mod broker_url;
mod catalogue;
mod check;
mod effective;
mod environment;
mod file;
mod guard;
mod kafka;
mod layer;
mod load;
mod metrics;
mod nearest;
mod otel;
mod print;
mod redis;
mod reference;
mod secret;
mod secret_place;
mod settings;
mod tls_files;
mod traces;
mod units;
mod upstream;
mod value;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};

pub(crate) use auth::{Algorithm, Auth, AuthMode, Issuer, TokenKey};
pub(crate) use broker_url::BrokerUrl;
pub(crate) use check::Role;
pub(crate) use effective::Effective;
pub(crate) use environment::{API_KEY, CONFIG_FILE, read as read_environment};
pub(crate) use file::read as read_file;
use kafka::Kafka;
pub(crate) use layer::{Layer, Origin};
pub(crate) use load::load;
pub(crate) use metrics::Metrics;
pub(crate) use otel::read as read_otel;
pub(crate) use redis::Redis;
pub(crate) use reference::reference;
pub(crate) use tls_files::{TlsContents, TlsFiles};
pub(crate) use traces::Traces;
pub(crate) use upstream::{EngineKind, Header, Upstream, UpstreamModel};
use value::Choice;

/// Everything that can be set, for all roles.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Where health and metrics are told.
    pub(crate) admin_listen: SocketAddr,
    /// What carries jobs and streams.
    pub(crate) broker: BrokerUrl,
    /// How a Redis broker is used.
    pub(crate) redis: Redis,
    /// How a Kafka broker is used.
    pub(crate) kafka: Kafka,
    /// The bounds of a broker in memory.
    pub(crate) memory: broker::memory::Config,
    /// Which log lines are written.
    pub(crate) log: String,
    /// How they are written.
    pub(crate) log_format: LogFormat,
    /// How many of a kind are written.
    pub(crate) log_sampling: LogSampling,
    /// Where metrics are pushed.
    pub(crate) metrics: Metrics,
    /// Where spans go.
    pub(crate) traces: Traces,
    /// Who may call.
    pub(crate) auth: Auth,
    /// How clients' connections are encrypted.
    pub(crate) tls: ServerTls,
    /// The gateway's own settings.
    pub(crate) gateway: gateway::Config,
    /// The worker's own settings.
    pub(crate) worker: worker::Config,
    /// What the worker takes out of the output.
    pub(crate) guard: ::guard::Config,
    /// The model servers.
    pub(crate) upstream: Vec<Upstream>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            broker: BrokerUrl::default(),
            redis: Redis::default(),
            kafka: Kafka::default(),
            memory: broker::memory::Config::default(),
            log: "info".to_owned(),
            log_format: LogFormat::default(),
            log_sampling: LogSampling::default(),
            metrics: Metrics::default(),
            traces: Traces::default(),
            auth: Auth::default(),
            tls: ServerTls::default(),
            gateway: gateway::Config::default(),
            worker: worker::Config::default(),
            guard: ::guard::Config::default(),
            upstream: Vec::new(),
        }
    }
}

/// The files of the public listener's TLS.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerTls {
    /// What to identify with.
    pub(crate) certificate_file: Option<String>,
    /// The key of that.
    pub(crate) key_file: Option<String>,
    /// Whose clients may connect; anyone's without it.
    pub(crate) client_authorities_file: Option<String>,
}

impl Choice for gateway::ForwardedHeader {
    const WORDS: &'static [(&'static str, Self)] =
        &[("x-forwarded", Self::XForwarded), ("forwarded", Self::Forwarded)];
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For programs: one object per line.
    Json,
}

impl Choice for LogFormat {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("text", Self::Text), ("json", Self::Json)];
}

/// How many of the log's lines of one kind are written.
#[derive(Debug, Clone)]
pub(crate) struct LogSampling {
    /// So many a second in any case; 0 is all.
    pub(crate) first: u64,
    /// Beyond that, one in so many.
    pub(crate) then_one_in: u64,
}

impl Default for LogSampling {
    fn default() -> Self {
        Self { first: 100, then_one_in: 100 }
    }
}
