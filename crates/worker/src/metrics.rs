//! What a worker counts.

mod circuits;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use guard::{Effect, Rule};
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
use tokio::time::Instant;

use crate::pool::Pool;

pub(crate) use circuits::Circuits;

/// From 50 µs to 105 s, twofold: the same as the gateway's, so that layers can be laid over each other.
fn latency() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 2.0, 22))
}

type Latency = Family<ModelLabel, Histogram, fn() -> Histogram>;

/// The worker's metrics. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Responses that are being produced.
    pub(crate) running: Family<ModelLabel, Gauge>,
    /// Responses that ended here.
    pub(crate) responses: Family<OutcomeLabels, Counter>,
    /// Deltas that were appended.
    pub(crate) tokens: Family<ModelLabel, Counter>,
    /// Jobs that were taken over from another worker.
    pub(crate) takeovers: Family<ModelLabel, Counter>,
    /// Streams that another worker had taken over from this one.
    pub(crate) fenced: Counter,
    /// From the request's acceptance to its claim.
    pub(crate) queue_wait: Latency,
    /// From claim to the first output.
    pub(crate) first_token: Latency,
    /// From the call of the model server to its first output, and from output to output.
    pub(crate) upstream_first_token: Latency,
    pub(crate) upstream_between_tokens: Latency,
    /// One append to a stream's log.
    append: Latency,
    /// Calls of model servers that failed, by kind.
    pub(crate) upstream_errors: Family<FaultLabels, Counter>,
    /// How the model servers stand.
    pub(crate) circuits: Circuits,
    /// What the output guard found.
    pub(crate) guarded: Family<GuardLabels, Counter>,
}

impl Metrics {
    /// Metrics that count in `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            running: Family::default(),
            responses: Family::default(),
            tokens: Family::default(),
            takeovers: Family::default(),
            fenced: Counter::default(),
            queue_wait: Family::new_with_constructor(latency),
            first_token: Family::new_with_constructor(latency),
            upstream_first_token: Family::new_with_constructor(latency),
            upstream_between_tokens: Family::new_with_constructor(latency),
            append: Family::new_with_constructor(latency),
            upstream_errors: Family::default(),
            circuits: Circuits::default(),
            guarded: Family::default(),
        };
        let registry = registry.sub_registry_with_prefix("narthex_worker");
        let m = &metrics;
        registry.register("running_responses", "Responses that are being produced", m.running.clone());
        registry.register("responses", "Responses that ended, by outcome", m.responses.clone());
        registry.register("tokens", "Deltas appended to streams", m.tokens.clone());
        registry.register("takeovers", "Jobs taken over from another worker", m.takeovers.clone());
        registry.register("fenced", "Streams that another worker took over from this one", m.fenced.clone());
        let mut register = |name: &str, help: &str, latency: &Latency| {
            registry.register_with_unit(name, help, Unit::Seconds, latency.clone());
        };
        register(
            "queue_wait",
            "From the acceptance of a request to its claim, by the clocks of both",
            &m.queue_wait,
        );
        register("time_to_first_token", "From claim to first output", &m.first_token);
        register(
            "upstream_time_to_first_token",
            "From the call of a model server to its first output",
            &m.upstream_first_token,
        );
        register(
            "upstream_time_between_tokens",
            "From one output of a model server to the next",
            &m.upstream_between_tokens,
        );
        register("append", "One append to a stream, retries included", &m.append);
        registry.register("upstream_errors", "Failed calls of model servers", m.upstream_errors.clone());
        registry.register_collector(Box::new(m.circuits.clone()));
        registry.register("guarded", "What the output guard found, by rule and effect", m.guarded.clone());
        metrics
    }
}

impl Metrics {
    /// Tells of a model from now on, also while it has nothing to do: an autoscaler takes a worker that tells nothing for a busy one.
    pub(crate) fn serves(&self, pool: &Arc<Pool>) {
        self.circuits.watch(pool);
        self.running.get_or_create(&ModelLabel { model: pool.model().to_owned() }).inc_by(0);
    }

    /// What counts the appends for responses of `model`.
    pub(crate) fn append(&self, model: &str) -> Histogram {
        self.append.get_or_create(&ModelLabel { model: model.to_owned() }).clone()
    }

    /// A job was claimed whose request was accepted at that time, in milliseconds since 1970, by the gateway's clock.
    /// How long it waited.
    pub(crate) fn observe_queue_wait(&self, model: &ModelLabel, accepted_at_ms: u64) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let waited = now.saturating_sub(Duration::from_millis(accepted_at_ms));
        self.queue_wait.get_or_create(model).observe(waited.as_secs_f64());
        waited
    }
}

/// By model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ModelLabel {
    pub(crate) model: String,
}

/// By model and how it ended; if it failed, by the standard's type of the error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabels {
    pub(crate) model: String,
    pub(crate) outcome: &'static str,
    pub(crate) error_type: Option<&'static str>,
}

/// By model and kind of fault.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FaultLabels {
    pub(crate) model: String,
    pub(crate) fault: &'static str,
}

/// By model, rule of the guard, and what was done.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct GuardLabels {
    pub(crate) model: String,
    pub(crate) rule: String,
    pub(crate) effect: &'static str,
}

/// The histograms of one response: looked up once, as they count every token.
pub(crate) struct Latencies {
    first_token: Histogram,
    upstream_first_token: Histogram,
    upstream_between_tokens: Histogram,
    /// How long the first output of the response took, since its claim and since the call.
    pub(crate) first: Option<(Duration, Duration)>,
}

impl Latencies {
    pub(crate) fn of(metrics: &Metrics, model: &ModelLabel) -> Self {
        Self {
            first_token: metrics.first_token.get_or_create(model).clone(),
            upstream_first_token: metrics.upstream_first_token.get_or_create(model).clone(),
            upstream_between_tokens: metrics.upstream_between_tokens.get_or_create(model).clone(),
            first: None,
        }
    }

    /// A model server's first output took so long; the job was claimed at `claimed`.
    pub(crate) fn first_token(&mut self, elapsed: Duration, claimed: Instant) {
        let since_claim = claimed.elapsed();
        self.first.get_or_insert((since_claim, elapsed));
        self.upstream_first_token.observe(elapsed.as_secs_f64());
        self.first_token.observe(since_claim.as_secs_f64());
    }

    pub(crate) fn between_tokens(&self, elapsed: Duration) {
        self.upstream_between_tokens.observe(elapsed.as_secs_f64());
    }
}

/// Counts what the output guard finds in the responses of one model.
pub(crate) struct Guarded {
    pub(crate) model: String,
    pub(crate) family: Family<GuardLabels, Counter>,
}

impl Guarded {
    /// Counts `found`: rules, and how often each found something.
    pub(crate) fn count<'a>(&self, found: impl Iterator<Item = (Rule<'a>, u64)>) {
        for (rule, count) in found {
            let effect = match rule.effect {
                Effect::Removed => "removed",
                Effect::Masked => "masked",
                Effect::Stopped => "stopped",
            };
            let labels = GuardLabels { model: self.model.clone(), rule: rule.name.to_owned(), effect };
            self.family.get_or_create(&labels).inc_by(count);
        }
    }
}
