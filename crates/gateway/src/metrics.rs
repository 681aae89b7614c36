//! What a gateway counts. `docs/metrics.md` is made from this and its likes.
//!
//! Labels are bounded: transports, types and codes are of this program, and models are those that workers announce. Users and
//! ids are never labels.

mod pace;

use std::{sync::atomic::AtomicU64, time::Duration};

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

pub(crate) use pace::{Pace, Told};

/// From 50 µs to 105 s, twofold: wide enough for one hop and for a whole answer, so that layers can be laid over each other.
fn latency() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.0, 22))
}

type Latency<L> = Family<L, Histogram, fn() -> Histogram>;

/// The gateway's metrics. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Metrics {
    connections: Family<TransportLabel, Gauge>,
    opened: Family<TransportLabel, Counter>,
    closed: Family<ClosedLabels, Counter>,
    received: Family<TypeLabel, Counter>,
    bytes: Family<BytesLabels, Counter>,
    requests: Family<TransportLabel, Counter>,
    errors: Family<ErrorLabels, Counter>,
    limited: Family<LimitLabel, Counter>,
    responses: Family<OutcomeLabels, Counter>,
    tokens: Family<ModelLabels, Counter>,
    first_token: Latency<ModelLabels>,
    between_tokens: Latency<ModelLabels>,
    /// From the moment a record was heard to the moment its events are rendered.
    pub(crate) delivery: Histogram,
    /// From append to here.
    pub(crate) transit: Histogram,
    pub(crate) merged: Counter,
    pub(crate) slow: Counter,
    pub(crate) resumes: Counter,
    pub(crate) log_reads: Counter,
    pub(crate) lost: Counter,
    pub(crate) waiting: Family<QueueLabel, Gauge>,
    pub(crate) oldest: Family<QueueLabel, Gauge<f64, AtomicU64>>,
}

/// By what the client speaks: `http`, `sse`, `websocket`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransportLabel {
    transport: &'static str,
}

/// By transport and direction: `in`, `out`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BytesLabels {
    transport: &'static str,
    direction: &'static str,
}

/// By why it was closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClosedLabels {
    transport: &'static str,
    reason: &'static str,
}

/// By what a message is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabel {
    r#type: &'static str,
}

/// By the standard's kind of error, and by its code where that is one of ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    transport: &'static str,
    error_type: &'static str,
    code: String,
}

/// By the code of the error that tells of the limit, or by what was done instead.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabel {
    limit: &'static str,
}

/// By transport and model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    transport: &'static str,
    model: String,
}

/// By model and how it ended: `completed`, `incomplete`, `failed`, `cancelled`; if it failed, by the standard's type of the error, which
/// tells whose fault it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    transport: &'static str,
    model: String,
    outcome: &'static str,
    error_type: Option<&'static str>,
}

/// By model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct QueueLabel {
    pub(crate) model: String,
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
pub(crate) struct OpenConnection {
    open: Gauge,
    closed: Family<ClosedLabels, Counter>,
    labels: ClosedLabels,
}

impl OpenConnection {
    /// Why it ends, if it is known.
    pub(crate) const fn ends(&mut self, reason: &'static str) {
        self.labels.reason = reason;
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.open.dec();
        self.closed.get_or_create(&self.labels).inc();
    }
}

impl Metrics {
    /// Metrics that count in `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            connections: Family::default(),
            opened: Family::default(),
            closed: Family::default(),
            received: Family::default(),
            bytes: Family::default(),
            requests: Family::default(),
            errors: Family::default(),
            limited: Family::default(),
            responses: Family::default(),
            tokens: Family::default(),
            first_token: Family::new_with_constructor(latency),
            between_tokens: Family::new_with_constructor(latency),
            delivery: latency(),
            transit: latency(),
            merged: Counter::default(),
            slow: Counter::default(),
            resumes: Counter::default(),
            log_reads: Counter::default(),
            lost: Counter::default(),
            waiting: Family::default(),
            oldest: Family::default(),
        };
        let registry = registry.sub_registry_with_prefix("narthex_gateway");
        metrics.register_connections(registry);
        metrics.register_responses(registry);
        metrics.register_delivery(registry);
        metrics
    }

    fn register_connections(&self, registry: &mut Registry) {
        // They are there before anybody is: an autoscaler takes a gateway without them for one that has as many as it shall have.
        for transport in ["http", "websocket"] {
            self.connections.get_or_create(&TransportLabel { transport }).set(0);
        }
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("connections_opened", "Connections that were opened", self.opened.clone());
        registry.register("connections_closed", "Connections that ended, by reason", self.closed.clone());
        registry.register(
            "messages_received",
            "What clients said on WebSockets, by type",
            self.received.clone(),
        );
        registry.register_with_unit(
            "traffic",
            "Bytes read from and written to clients: of WebSockets all, of event streams what was written",
            Unit::Bytes,
            self.bytes.clone(),
        );
        registry.register(
            "errors",
            "Errors told to clients, by the standard's type and by code",
            self.errors.clone(),
        );
        registry.register("limited", "What was not taken because of a limit", self.limited.clone());
    }

    fn register_responses(&self, registry: &mut Registry) {
        registry.register("requests", "Responses asked for", self.requests.clone());
        registry.register("responses", "Responses told to their end, by outcome", self.responses.clone());
        registry.register("tokens", "Deltas delivered", self.tokens.clone());
        registry.register_with_unit(
            "time_to_first_token",
            "As the client sees it: from the request to its first delta on the way to the client",
            Unit::Seconds,
            self.first_token.clone(),
        );
        registry.register_with_unit(
            "time_between_tokens",
            "As the client sees it: from one delta on the way to the client to the next of the same response",
            Unit::Seconds,
            self.between_tokens.clone(),
        );
        registry.register("resumes", "Streams that were resumed", self.resumes.clone());
        registry.register("queue_waiting", "Jobs that wait for a worker, by model", self.waiting.clone());
        registry.register_with_unit(
            "queue_oldest",
            "The age of the oldest job that waits, by model",
            Unit::Seconds,
            self.oldest.clone(),
        );
    }

    fn register_delivery(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "broker_transit",
            "From the append of a record by a worker to its arrival here, by the clocks of both",
            Unit::Seconds,
            self.transit.clone(),
        );
        registry.register_with_unit(
            "delivery",
            "From the arrival of a record here to the rendering of its events",
            Unit::Seconds,
            self.delivery.clone(),
        );
        registry.register(
            "merged_deltas",
            "Deltas told together with others to clients that were behind",
            self.merged.clone(),
        );
        registry.register(
            "slow_clients",
            "How often a client did not take what it was told at once",
            self.slow.clone(),
        );
        registry.register(
            "log_reads",
            "Reads of a stream's log: resumes, gaps in what was heard live, clients far behind",
            self.log_reads.clone(),
        );
        registry.register(
            "lost_streams",
            "Streams that the broker lost, or a part of them",
            self.lost.clone(),
        );
    }

    pub(crate) fn open_connection(&self, transport: &'static str) -> OpenConnection {
        let label = TransportLabel { transport };
        let open = self.connections.get_or_create(&label).clone();
        open.inc();
        self.opened.get_or_create(&label).inc();
        let labels = ClosedLabels { transport, reason: "ended" };
        OpenConnection { open, closed: self.closed.clone(), labels }
    }

    pub(crate) fn count_message(&self, r#type: &'static str) {
        self.received.get_or_create(&TypeLabel { r#type }).inc();
    }

    /// The counters of bytes read and written, for whoever counts often.
    pub(crate) fn bytes(&self, transport: &'static str) -> (Counter, Counter) {
        let counter = |direction| self.bytes.get_or_create(&BytesLabels { transport, direction }).clone();
        (counter("in"), counter("out"))
    }

    pub(crate) fn count_request(&self, transport: &'static str) {
        self.requests.get_or_create(&TransportLabel { transport }).inc();
    }

    pub(crate) fn count_error(&self, transport: &'static str, error: &ApiError) {
        let error_type = error.error_type.name();
        // A model server's codes are its own, and so would be their number.
        let code = error.code.as_ref().filter(|_| error.error_type != ErrorType::ModelError);
        let code = code.cloned().unwrap_or_else(|| "other".to_owned());
        self.errors.get_or_create(&ErrorLabels { transport, error_type, code }).inc();
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

    /// A record arrived that was appended so long ago.
    pub(crate) fn observe_transit(&self, elapsed: Duration) {
        self.transit.observe(elapsed.as_secs_f64());
    }
}
