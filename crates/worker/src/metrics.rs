//! What a worker counts.

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
    /// From claim to the first output.
    pub(crate) first_token: Family<ModelLabel, Histogram, fn() -> Histogram>,
    /// Calls of model servers that failed, by kind.
    pub(crate) upstream_errors: Family<FaultLabels, Counter>,
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
            first_token: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 18))),
            upstream_errors: Family::default(),
            guarded: Family::default(),
        };
        let registry = registry.sub_registry_with_prefix("narthex_worker");
        let m = &metrics;
        registry.register("running_responses", "Responses that are being produced", m.running.clone());
        registry.register("responses", "Responses that ended, by outcome", m.responses.clone());
        registry.register("tokens", "Deltas appended to streams", m.tokens.clone());
        registry.register("takeovers", "Jobs taken over from another worker", m.takeovers.clone());
        registry.register("fenced", "Streams that another worker took over from this one", m.fenced.clone());
        registry.register_with_unit(
            "time_to_first_token",
            "From claim to first output",
            Unit::Seconds,
            m.first_token.clone(),
        );
        registry.register("upstream_errors", "Failed calls of model servers", m.upstream_errors.clone());
        registry.register("guarded", "What the output guard found, by rule and effect", m.guarded.clone());
        metrics
    }
}

/// By model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ModelLabel {
    pub(crate) model: String,
}

/// By model and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabels {
    pub(crate) model: String,
    pub(crate) outcome: &'static str,
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
