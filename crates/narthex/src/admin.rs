//! The admin listener: `/healthz`, `/readyz`, `/metrics`, `/log` and what is under `/debug`, apart from the public one, for the operator's own network.

mod debug;

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::registry::Registry;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::debug::Debug;
use crate::{status::Status, telemetry::LogFilter};

/// Probes and scrapers are few. One more waits in the listener's queue.
const MAX_CONNECTIONS: usize = 64;

/// A connection that sends no request for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// A log filter is short.
const MAX_FILTER: usize = 4 * 1024;

const TEXT: &str = "text/plain; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the admin listener tells.
#[derive(Debug)]
pub(crate) struct Admin {
    /// For `/readyz`.
    status: Status,
    /// For `/metrics`.
    registry: Arc<Registry>,
    /// For `/log`.
    log: LogFilter,
    debug: Debug,
}

impl Admin {
    pub(crate) fn new(status: Status, registry: Arc<Registry>, log: LogFilter) -> Self {
        Self { status, registry, log, debug: Debug::default() }
    }

    /// Answers until `end` is cancelled.
    pub(crate) async fn run(self, listener: TcpListener, end: CancellationToken) {
        let admin = Arc::new(self);
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let connections = TaskTracker::new();
        let accept = async {
            loop {
                let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of file descriptors, most likely: they come back when a connection ends.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (admin, end) = (Arc::clone(&admin), end.clone());
                connections.spawn(async move {
                    end.run_until_cancelled(admin.serve(stream)).await;
                    drop(permit);
                });
            }
        };
        end.run_until_cancelled(accept).await;
        connections.close();
        connections.wait().await;
    }

    async fn serve(&self, stream: TcpStream) {
        drop(stream.set_nodelay(true));
        let service = service_fn(async |request| Ok::<_, Infallible>(self.answer(request).await));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an admin connection ended early");
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if (request.method(), request.uri().path()) == (&Method::PUT, "/log") {
            return self.change_log(request.into_body()).await;
        }
        let path = request.uri().path();
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET, and PUT /log\n");
        }
        match path {
            "/healthz" => text(StatusCode::OK, TEXT, "alive\n"),
            "/readyz" => match self.status.readiness().await {
                Ok(()) => text(StatusCode::OK, TEXT, "ready\n"),
                Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{reason}\n")),
            },
            "/metrics" => self.metrics(),
            "/log" => text(StatusCode::OK, TEXT, format!("{}\n", self.log.current())),
            path if path.starts_with("/debug/") => {
                let (status, kind, page) =
                    self.debug.answer(path, request.uri().query().unwrap_or_default()).await;
                text(status, kind, page)
            }
            _ => {
                text(StatusCode::NOT_FOUND, TEXT, "here are /healthz, /readyz, /metrics, /log and /debug/\n")
            }
        }
    }

    async fn change_log(&self, body: Incoming) -> Response<Full<Bytes>> {
        let filter = match Limited::new(body, MAX_FILTER).collect().await {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).trim().to_owned(),
            Err(_) => return text(StatusCode::BAD_REQUEST, TEXT, "the filter is too long, or broke off\n"),
        };
        match self.log.change(&filter) {
            Ok(()) => text(StatusCode::OK, TEXT, format!("{}\n", self.log.current())),
            Err(error) => {
                let help = "write a level such as info, or info,gateway=debug";
                text(
                    StatusCode::BAD_REQUEST,
                    TEXT,
                    format!("{filter:?} is no log filter ({error}): {help}\n"),
                )
            }
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let mut page = String::new();
        match prometheus_client::encoding::text::encode(&mut page, &self.registry) {
            Ok(()) => text(StatusCode::OK, OPEN_METRICS, page),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
        }
    }
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
