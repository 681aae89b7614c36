//! How fast one response is told to one client.

use prometheus_client::metrics::{counter::Counter, histogram::Histogram};
use protocol::ApiError;
use serde_json::Value;
use tokio::time::Instant;

use super::{Metrics, ModelLabels, OutcomeLabels};

/// The counters of one response at one client: looked up once, as they count every token.
#[derive(Debug)]
pub(crate) struct Pace {
    /// When it was asked for; `None` if that was on another connection, or after its first token.
    begun: Option<Instant>,
    /// When a delta was told last.
    last: Option<Instant>,
    first_token: Histogram,
    between_tokens: Histogram,
    tokens: Counter,
}

impl Pace {
    /// Of a response of `model` over `transport`, asked for at `begun` or, if it is resumed, before.
    pub(crate) fn new(
        metrics: &Metrics,
        transport: &'static str,
        model: &str,
        begun: Option<Instant>,
    ) -> Self {
        let labels = ModelLabels { transport, model: model.to_owned() };
        Self {
            begun,
            last: None,
            first_token: metrics.first_token.get_or_create(&labels).clone(),
            between_tokens: metrics.between_tokens.get_or_create(&labels).clone(),
            tokens: metrics.tokens.get_or_create(&labels).clone(),
        }
    }

    /// A delta was told that stands for `count` of them.
    pub(crate) fn told(&mut self, count: u64) {
        let now = Instant::now();
        if let Some(last) = self.last.replace(now) {
            self.between_tokens.observe((now - last).as_secs_f64());
        } else if let Some(begun) = self.begun {
            self.first_token.observe((now - begun).as_secs_f64());
        }
        self.tokens.inc_by(count);
    }
}

impl Metrics {
    /// A response of `model` was told to its end: this is its resource then, and the error that its stream told, if one was seen.
    pub(crate) fn count_response(
        &self,
        transport: &'static str,
        model: &str,
        resource: Option<&Value>,
        error: Option<&ApiError>,
    ) {
        let outcome = match resource.and_then(|resource| resource["status"].as_str()) {
            Some("completed") => "completed",
            Some("incomplete") => "incomplete",
            Some("cancelled") => "cancelled",
            _ => "failed",
        };
        // Who resumes behind the error hears of the end alone.
        let error_type =
            (outcome == "failed").then(|| error.map_or("unknown", |error| error.error_type.name()));
        let labels = OutcomeLabels { transport, model: model.to_owned(), outcome, error_type };
        self.responses.get_or_create(&labels).inc();
    }
}
