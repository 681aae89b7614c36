//! What a gateway counts.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use protocol::{ApiError, ErrorType};

/// The gateway's metrics. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Metrics {
    connections: Family<TransportLabel, Gauge>,
    requests: Family<TransportLabel, Counter>,
    errors: Family<ErrorLabels, Counter>,
    limited: Family<LimitLabel, Counter>,
    tokens: Family<TransportLabel, Counter>,
    first_token: Family<TransportLabel, Histogram, fn() -> Histogram>,
    pub(crate) merged: Counter,
    pub(crate) resumes: Counter,
}

/// By what the client speaks: `http`, `sse`, `websocket`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabel {
    transport: &'static str,
}

/// By the standard's kind of error. Codes are not told apart here: some are the model servers' own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    transport: &'static str,
    error_type: &'static str,
}

/// By the code of the error that tells of the limit, or by what was done instead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabel {
    limit: &'static str,
}

/// The codes of errors that tell of a limit.
const LIMITS: [&str; 10] = [
    "https_required",
    "message_rate_limit_exceeded",
    "origin_not_allowed",
    "overloaded",
    "rate_limit_exceeded",
    "request_too_large",
    "too_many_connections",
    "too_many_requests",
    "websocket_connection_limit_reached",
    "websocket_stream_limit_reached",
];

/// Counts a connection as open until it is dropped.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Metrics that count in `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            connections: Family::default(),
            requests: Family::default(),
            errors: Family::default(),
            limited: Family::default(),
            tokens: Family::default(),
            first_token: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 18))),
            merged: Counter::default(),
            resumes: Counter::default(),
        };
        let registry = registry.sub_registry_with_prefix("narthex_gateway");
        let m = &metrics;
        registry.register("connections", "Open connections", m.connections.clone());
        registry.register("requests", "Responses asked for", m.requests.clone());
        registry.register("errors", "Errors told to clients, by the standard's type", m.errors.clone());
        registry.register("limited", "What was not taken because of a limit", m.limited.clone());
        registry.register("tokens", "Deltas delivered", m.tokens.clone());
        registry.register_with_unit(
            "time_to_first_token",
            "From the request to its first delta on the way to the client",
            Unit::Seconds,
            m.first_token.clone(),
        );
        registry.register(
            "merged_deltas",
            "Deltas told together with others to clients that were behind",
            m.merged.clone(),
        );
        registry.register("resumes", "Streams that were resumed", m.resumes.clone());
        metrics
    }

    pub(crate) fn open_connection(&self, transport: &'static str) -> OpenConnection {
        let gauge = self.connections.get_or_create(&TransportLabel { transport }).clone();
        gauge.inc();
        OpenConnection(gauge)
    }

    pub(crate) fn count_request(&self, transport: &'static str) {
        self.requests.get_or_create(&TransportLabel { transport }).inc();
    }

    pub(crate) fn count_error(&self, transport: &'static str, error: &ApiError) {
        self.errors.get_or_create(&ErrorLabels { transport, error_type: error.error_type.name() }).inc();
        // A model server may call its own limits the same.
        if error.error_type != ErrorType::ModelError
            && let Some(limit) = LIMITS.iter().find(|limit| error.code.as_deref() == Some(**limit))
        {
            self.count_limited(limit);
        }
    }

    /// Something was not taken because of a limit, whether or not anyone was told.
    pub(crate) fn count_limited(&self, limit: &'static str) {
        self.limited.get_or_create(&LimitLabel { limit }).inc();
    }

    pub(crate) fn count_tokens(&self, transport: &'static str, count: u64) {
        self.tokens.get_or_create(&TransportLabel { transport }).inc_by(count);
    }

    pub(crate) fn observe_first_token(&self, transport: &'static str, elapsed: std::time::Duration) {
        self.first_token.get_or_create(&TransportLabel { transport }).observe(elapsed.as_secs_f64());
    }
}
