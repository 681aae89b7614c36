//! What librdkafka tells of its connections.
//!
//! It makes them again and again, and to whoever waits it says no more than that there was no answer in time. Why is in what it
//! logs. While a process connects, this keeps the line that tells most, to be what the start fails with; later on it
//! logs what an operator should know.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use broker::Error;
use parking_lot::Mutex;
use rdkafka::{
    ClientContext, config::RDKafkaLogLevel as Level, consumer::ConsumerContext, error::KafkaError,
};

use crate::{
    Config, Tls,
    advice::{self, Advice, Kind},
    client,
    writer::Writer,
};

/// How long a connection may take that is made to see what is wrong with another.
const LOOK: Duration = Duration::from_secs(2);

/// How librdkafka marks the lines about failed connections. It tells the same failure of the same node twice in 30 seconds.
const FAILED: &str = "FAIL";

/// The context of all clients.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    config: Arc<Config>,
    /// Whether this process has connected.
    stand: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
}

/// What was told so far.
#[derive(Debug, Default)]
struct Told {
    worst: Option<Advice>,
    /// Whether a node has hung up.
    hung_up: bool,
}

impl Connections {
    pub(crate) fn new(config: &Config) -> Self {
        Self { config: Arc::new(config.clone()), stand: Arc::default(), told: Arc::default() }
    }

    /// From now on, failures are logged.
    pub(crate) fn stand(&self) {
        self.stand.store(true, Ordering::Relaxed);
    }

    /// What to say in place of an error that says only that there was no answer.
    pub(crate) async fn explain(&self, error: Error) -> Error {
        let worst = self.told.lock().worst.clone();
        let Some(Advice { kind, at, sentence }) = worst.filter(|_| error.is_retryable()) else {
            return error;
        };
        match kind {
            Kind::Unreachable => Error::unavailable(sentence),
            Kind::Untrusted if self.is_of_another_host().await => Error::refused(advice::other_host(&at)),
            Kind::HungUp | Kind::Refused | Kind::Untrusted => Error::refused(sentence),
        }
    }

    /// Whether nothing is wrong with the certificate but its name: OpenSSL says the same of both. So this looks with a connection
    /// that does not ask for the name, and tells nothing about us.
    async fn is_of_another_host(&self) -> bool {
        let tls = self.config.tls.clone().map(|tls| Tls { identity: None, ..tls });
        let stranger = Config { sasl: None, tls, ..(*self.config).clone() };
        let connections = Self::new(&stranger);
        let mut client = client::common(&stranger);
        client.set("ssl.endpoint.identification.algorithm", "none");
        let Ok(writer) = Writer::new(client, connections.clone()) else { return false };
        let answer = writer.ask(|client| client.fetch_metadata(None, LOOK)).await;
        // What comes after the certificate may fail, as this is a stranger.
        answer.is_ok() || connections.told.lock().hung_up
    }

    fn failed(&self, level: Level, line: &str) {
        let mut advice = advice::of_failure(line, &self.config);
        if self.stand.load(Ordering::Relaxed) {
            // An idle connection that a node closes is no failure, and told as information.
            match level {
                Level::Notice | Level::Info | Level::Debug => {
                    tracing::debug!(line, "a connection to kafka ended")
                }
                _ => tracing::warn!(why = advice.sentence, "a connection to kafka failed, trying again"),
            }
        } else {
            tracing::debug!(line, "a connection to kafka failed");
        }
        let mut told = self.told.lock();
        // A node that stops hangs up once. One that wants something else does so each time.
        if advice.kind == Kind::HungUp && !mem::replace(&mut told.hung_up, true) {
            advice.kind = Kind::Unreachable;
        }
        if told.worst.as_ref().is_none_or(|worst| worst.kind <= advice.kind) {
            told.worst = Some(advice);
        }
    }
}

impl ClientContext for Connections {
    fn log(&self, level: Level, facility: &str, line: &str) {
        match level {
            _ if facility == FAILED => self.failed(level, line),
            Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
                tracing::error!(facility, line, "librdkafka");
            }
            Level::Warning => tracing::warn!(facility, line, "librdkafka"),
            Level::Notice | Level::Info => tracing::info!(facility, line, "librdkafka"),
            Level::Debug => tracing::debug!(facility, line, "librdkafka"),
        }
    }

    /// What failed connections come to, twice each, and up to fifty times a second: the lines have told it.
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ConsumerContext for Connections {}
