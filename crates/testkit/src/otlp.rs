//! A receiver of OTLP over HTTP, as a collector or Jaeger is one: it keeps the spans that come, and says so.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1 as wire,
};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running receiver; it ends when this is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    _stop_on_drop: DropGuard,
}

#[derive(Debug, Default)]
struct State {
    spans: watch::Sender<Vec<Span>>,
    requests: Mutex<Vec<(HeaderMap, Bytes)>>,
    /// Whether it takes anything.
    is_closed: watch::Sender<bool>,
}

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

impl Receiver {
    /// Starts a receiver.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port's address");
        let (state, stop) = (Arc::new(State::default()), CancellationToken::new());
        let serving = serve(listener, Arc::clone(&state));
        TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(serving));
        Self { address, state, _stop_on_drop: stop.drop_guard() }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leaves exports without an answer from now on, or answers them again.
    pub fn close(&self, is_closed: bool) {
        self.state.is_closed.send_replace(is_closed);
    }

    /// The spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.state.spans.borrow().clone()
    }

    /// All that came, as it came: headers and bodies.
    pub fn requests(&self) -> Vec<(HeaderMap, Bytes)> {
        self.state.requests.lock().clone()
    }

    /// Waits until the spans that came are what is wanted.
    ///
    /// # Panics
    /// When that takes too long: with what came.
    pub async fn when<T>(&self, wanted: impl Fn(&[Span]) -> Option<T>) -> T {
        let mut spans = self.state.spans.subscribe();
        let met = spans.wait_for(|spans| wanted(spans).is_some());
        let met = tokio::time::timeout(PATIENCE, met).await.is_ok();
        let spans = self.spans();
        match wanted(&spans) {
            Some(found) if met => found,
            _ => panic!("other spans came: {spans:#?}"),
        }
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let connections = TaskTracker::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| Arc::clone(&state).answer(request));
        connections.spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl State {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let _ = self.is_closed.subscribe().wait_for(|is_closed| !is_closed).await;
        let (head, body) = request.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let export = ExportTraceServiceRequest::decode(body.clone());
        let mut response = Response::new(Full::default());
        match export {
            Ok(export) if head.uri.path() == "/v1/traces" => {
                self.requests.lock().push((head.headers, body));
                self.spans.send_modify(|spans| spans.extend(read(export)));
            }
            _ => *response.status_mut() = StatusCode::BAD_REQUEST,
        }
        Ok(response)
    }
}

fn read(export: ExportTraceServiceRequest) -> Vec<Span> {
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

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::ArrayValue(array)) => {
            array.values.into_iter().map(|value| text(Some(value))).collect::<Vec<_>>().join(",")
        }
        other => format!("{other:?}"),
    }
}
