//! How fast one response is told to one client, and what came of it.

use std::time::Duration;

use prometheus_client::metrics::{counter::Counter, histogram::Histogram};
use protocol::ApiError;
use tokio::time::Instant;

use super::{Metrics, ModelLabels, OutcomeLabels};
use crate::delivery::Cursor;

/// The counters of one response at one client: looked up once, as they count every token.
#[derive(Debug)]
pub(crate) struct Pace {
    so_far: Told,
    /// When a delta was told last.
    last: Option<Instant>,
    first_token: Histogram,
    between_tokens: Histogram,
    tokens: Counter,
}

/// How far a response was told to one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    transport: &'static str,
    /// When it was asked for here.
    since: Instant,
    /// Whether it began before that: on another connection, or before its first token was heard.
    is_resumed: bool,
    /// How long the first delta took, if it was told here.
    first_token: Option<Duration>,
    /// Deltas.
    tokens: u64,
}

impl Told {
    /// Nothing yet of what was asked for at `begun`; before, if that is not known.
    pub(crate) fn new(transport: &'static str, begun: Option<Instant>) -> Self {
        let since = begun.unwrap_or_else(Instant::now);
        Self { transport, since, is_resumed: begun.is_none(), first_token: None, tokens: 0 }
    }

    /// The same, with so many deltas, which are told as one.
    pub(crate) const fn with_tokens(self, tokens: u64) -> Self {
        Self { tokens, ..self }
    }
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
            so_far: Told::new(transport, begun),
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
        } else if !self.so_far.is_resumed {
            let took = now - self.so_far.since;
            self.so_far.first_token = Some(took);
            self.first_token.observe(took.as_secs_f64());
        }
        self.so_far.tokens += count;
        self.tokens.inc_by(count);
    }

    /// What was told so far.
    pub(crate) const fn so_far(&self) -> Told {
        self.so_far
    }
}

impl Metrics {
    /// The response of `cursor` was told to its end: this is its resource then, and the error that its stream told, if one was seen.
    /// It is counted, and the log has a line.
    pub(crate) fn end_response(
        &self,
        cursor: &Cursor,
        told: Told,
        status: Option<&str>,
        error: Option<&ApiError>,
    ) {
        let outcome = match status {
            Some("completed") => "completed",
            Some("incomplete") => "incomplete",
            Some("cancelled") => "cancelled",
            _ => "failed",
        };
        // Who resumes behind the error hears of the end alone.
        let error_type =
            (outcome == "failed").then(|| error.map_or("unknown", |error| error.error_type.name()));
        let Told { transport, since, is_resumed, first_token, tokens } = told;
        let model = cursor.model();
        let labels = OutcomeLabels { transport, model: model.to_owned(), outcome, error_type };
        self.responses.get_or_create(&labels).inc();
        tracing::info!(
            response = %cursor.id(), trace_id = cursor.trace_id(), transport, model, outcome, error_type, tokens,
            resumed = is_resumed, first_token_ms = first_token.map(milliseconds),
            elapsed_ms = milliseconds(since.elapsed()), "response told"
        );
    }
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
