//! How spans and metrics leave: over this project's own HTTP client, and without a word each time that nobody takes them.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use outbound::{Connector, Tls, TlsError};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::{losses::Complaints, queue::Waiting};

/// What a receiver answers is hardly ever more than a line.
const MAX_ANSWER: usize = 64 * 1024;

/// The client. The exporter calls it from a thread of its own, where no runtime is: so each request is a task of the process's.
pub(super) struct Http {
    client: Client<Connector, Full<Bytes>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
    runtime: Handle,
    tasks: TaskTracker,
}

impl Http {
    /// To be called in the runtime that carries the requests.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(super) fn new(
        is_encrypted: bool,
        timeout: Duration,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Self, TlsError> {
        let tls = Tls::default();
        let connector = Connector::new(is_encrypted.then_some(&tls), timeout)?;
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { client, headers, timeout, runtime: Handle::current(), tasks: TaskTracker::new() })
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = request.map(Full::new);
        request.headers_mut().extend(self.headers.iter().cloned());
        let answering = self.client.request(request);
        let answering = async move {
            let (head, body) = answering.await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            let status = head.status;
            if !status.is_success() {
                return Err(format!("the receiver answered {status}").into());
            }
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        let timeout = self.timeout;
        let task = async move {
            let answer = tokio::time::timeout(timeout, answering).await;
            answer.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}").into()))
        };
        self.tasks.spawn_on(task, &self.runtime).await?
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

/// An exporter that complains now and then, and counts what is lost.
#[derive(Debug)]
pub(super) struct Patient<E> {
    inner: E,
    waiting: Waiting,
    complaints: Complaints,
}

impl<E> Patient<E> {
    /// Of spans that leave `waiting`.
    pub(super) const fn new(inner: E, waiting: Waiting, complaints: Complaints) -> Self {
        Self { inner, waiting, complaints }
    }
}

impl<E: SpanExporter> SpanExporter for Patient<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.waiting.leave(spans);
        let result = self.inner.export(batch).await;
        self.complaints.note(spans as u64, result.as_ref().copied());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
