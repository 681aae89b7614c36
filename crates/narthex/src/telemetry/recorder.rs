//! Spans as OpenTelemetry's SDK has them.

use std::str::FromStr as _;

use opentelemetry::{
    Array, Context, KeyValue, SpanId, StringValue, TraceFlags, TraceId,
    trace::{
        Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, TraceState,
        Tracer as _,
    },
};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use trace::{Beginning, Kind, Recorder, Recording, TraceContext, Value, key};

/// Hands spans to the SDK, which decides about new traces, and exports.
#[derive(Debug)]
pub(super) struct OtelRecorder {
    tracer: SdkTracer,
    /// Which broker carries messages.
    system: &'static str,
}

impl OtelRecorder {
    pub(super) const fn new(tracer: SdkTracer, system: &'static str) -> Self {
        Self { tracer, system }
    }
}

impl Recorder for OtelRecorder {
    fn begin(&self, beginning: Beginning<'_>) -> Box<dyn Recording> {
        let Beginning { name, kind, parent, since, link } = beginning;
        let mut builder = SpanBuilder::from_name(name).with_kind(span_kind(kind));
        builder.start_time = since;
        builder.links = link.map(|link| vec![Link::with_context(span_context(link))]);
        if matches!(kind, Kind::Producer | Kind::Consumer) {
            builder.attributes = Some(vec![KeyValue::new(key::SYSTEM, self.system)]);
        }
        let context = Context::new();
        let context = match parent {
            Some(parent) => context.with_remote_span_context(span_context(parent)),
            None => context,
        };
        Box::new(Recorded(self.tracer.build_with_context(builder, &context)))
    }
}

/// A span of the SDK. Dropping it ends it: it then waits for its export, or is dropped if too many wait.
struct Recorded(Span);

impl Recording for Recorded {
    fn context(&self) -> Option<TraceContext> {
        let context = self.0.span_context();
        let trace = u128::from_be_bytes(context.trace_id().to_bytes());
        let span = u64::from_be_bytes(context.span_id().to_bytes());
        let own = TraceContext::new(trace, span, context.is_sampled())?;
        Some(own.with_state(&context.trace_state().header()))
    }

    fn set(&mut self, key: &'static str, value: Value) {
        let value = match value {
            Value::Text(text) => opentelemetry::Value::from(text),
            Value::Number(number) => opentelemetry::Value::from(number),
            Value::Texts(texts) => {
                let texts: Vec<_> = texts.into_iter().map(StringValue::from).collect();
                opentelemetry::Value::Array(Array::from(texts))
            }
        };
        self.0.set_attribute(KeyValue::new(key, value));
    }

    fn event(&mut self, name: &'static str) {
        self.0.add_event(name, Vec::new());
    }

    fn fail(&mut self, kind: &str) {
        self.0.set_attribute(KeyValue::new(key::ERROR, kind.to_owned()));
        self.0.set_status(Status::error(""));
    }
}

fn span_context(context: &TraceContext) -> SpanContext {
    let flags = if context.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    SpanContext::new(
        TraceId::from(context.trace_id().bits()),
        SpanId::from(context.span_id()),
        flags,
        true,
        TraceState::from_str(context.state()).unwrap_or_default(),
    )
}

const fn span_kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}
