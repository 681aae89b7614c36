//! A receiver of OTLP over HTTP, as a collector or Jaeger is one: it keeps the spans and metrics that come, and says so.

mod metrics;
mod spans;

use std::{collections::BTreeMap, convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value},
};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use metrics::Push;
pub use spans::Span;

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
    pushes: watch::Sender<Vec<Push>>,
    requests: Mutex<Vec<(HeaderMap, Bytes)>>,
    /// Whether it takes anything.
    is_closed: watch::Sender<bool>,
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

    /// How many pushes of metrics came.
    pub fn pushes(&self) -> usize {
        self.state.pushes.borrow().len()
    }

    /// Waits for a push of metrics that is what is wanted; those that came before count, too.
    ///
    /// # Panics
    /// When that takes too long: with the last one that came.
    pub async fn pushed<T>(&self, wanted: impl Fn(&Push) -> Option<T>) -> T {
        self.pushed_after(0, wanted).await
    }

    /// The same, without the first `seen` that came.
    ///
    /// # Panics
    /// When that takes too long: with the last one that came.
    pub async fn pushed_after<T>(&self, seen: usize, wanted: impl Fn(&Push) -> Option<T>) -> T {
        let mut pushes = self.state.pushes.subscribe();
        let find = |pushes: &[Push]| pushes[seen..].iter().find_map(&wanted);
        let met = pushes.wait_for(|pushes| find(pushes).is_some());
        let met = tokio::time::timeout(PATIENCE, met).await;
        let found = met.ok().and_then(|met| find(&met.expect("it lives as long as this")));
        found
            .unwrap_or_else(|| panic!("other metrics came, at last {:#?}", self.state.pushes.borrow().last()))
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
        let is_read = match head.uri.path() {
            "/v1/traces" => ExportTraceServiceRequest::decode(body.clone())
                .map(|export| self.spans.send_modify(|spans| spans.extend(spans::read(export)))),
            "/v1/metrics" => ExportMetricsServiceRequest::decode(body.clone())
                .map(|export| self.pushes.send_modify(|pushes| pushes.extend(metrics::read(export)))),
            _ => return Ok(status(StatusCode::NOT_FOUND)),
        };
        match is_read {
            Ok(()) => self.requests.lock().push((head.headers, body)),
            Err(_) => return Ok(status(StatusCode::BAD_REQUEST)),
        }
        Ok(status(StatusCode::OK))
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
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
