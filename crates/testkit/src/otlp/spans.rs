//! Spans as tests read them.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, resource::v1::Resource, trace::v1 as wire,
};

use super::texts;

/// A span that came.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Of which process: `service.name`, `service.instance.id` and what else is told of it.
    pub resource: BTreeMap<String, String>,
    /// What was done.
    pub name: String,
    /// The trace.
    pub trace: u128,
    /// The span.
    pub id: u64,
    /// The span that it is under; 0 if there is none.
    pub parent: u64,
    /// `SPAN_KIND_…`.
    pub kind: &'static str,
    /// From when to when.
    pub time: (SystemTime, SystemTime),
    /// What is told of it, as text.
    pub attributes: BTreeMap<String, String>,
    /// What happened meanwhile.
    pub events: Vec<String>,
    /// Traces and spans that have to do with it.
    pub links: Vec<(u128, u64)>,
    /// Whether it failed.
    pub is_failed: bool,
}

impl Span {
    /// The name of its process.
    pub fn service(&self) -> &str {
        self.resource.get("service.name").map_or("", String::as_str)
    }
}

pub(super) fn read(export: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_process in export.resource_spans {
        let Resource { attributes, .. } = of_process.resource.unwrap_or_default();
        let resource = texts(attributes);
        let of_scopes = of_process.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(of_scopes.map(|span| from_wire(span, &resource)));
    }
    spans
}

fn from_wire(span: wire::Span, resource: &BTreeMap<String, String>) -> Span {
    let at = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
    let trace = |id: &[u8]| u128::from_be_bytes(id.try_into().expect("a trace id"));
    let id =
        |id: &[u8]| if id.is_empty() { 0 } else { u64::from_be_bytes(id.try_into().expect("a span id")) };
    Span {
        resource: resource.clone(),
        trace: trace(&span.trace_id),
        id: id(&span.span_id),
        parent: id(&span.parent_span_id),
        kind: span.kind().as_str_name(),
        time: (at(span.start_time_unix_nano), at(span.end_time_unix_nano)),
        is_failed: span.status.is_some_and(|status| status.code() == wire::status::StatusCode::Error),
        attributes: texts(span.attributes),
        events: span.events.into_iter().map(|event| event.name).collect(),
        links: span.links.iter().map(|link| (trace(&link.trace_id), id(&link.span_id))).collect(),
        name: span.name,
    }
}
