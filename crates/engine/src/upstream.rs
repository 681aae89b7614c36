//! The way to a model server: one HTTP client with its pool of connections, whatever is spoken over it.
//!
//! A request goes out as JSON, the answer comes back as events of a stream. What is of a protocol, the engines know; here is
//! what all of them share: where the server is, what opens it, how long a connection may take, what its statuses mean,
//! and that the connection ends when nobody wants the answer any more.

mod events;
mod limit;
mod status;

use std::{error::Error as _, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use serde_json::Value;
use stream::TraceContext;
use tokio::time;

pub(crate) use events::{Events, Progress, Translate};
pub(crate) use status::{broke_off, garbled, readable};

use crate::{Error, Fault, Secret};

/// Connections that wait for a call are closed after so long. Several widely used servers close them after 5 s, and a
/// call that meets a connection in the moment of its closing fails.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// An answer that is not a stream is read up to here; what comes after is not looked at.
const MAX_ANSWER: usize = 1024 * 1024;
/// The list of models must come within this time; nothing depends on it.
const MODELS_TIMEOUT: Duration = Duration::from_secs(10);

/// How to reach a model server.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// What the server's clients take as base URL, as in `http://localhost:11434/v1`. `/v1` is added where the path is
    /// empty.
    pub base_url: String,
    /// Sent as `Authorization: Bearer …`.
    pub api_key: Option<Secret>,
    /// Headers to send with every request. Their values are as secret as the key.
    pub headers: Vec<(String, Secret)>,
    /// A connection must stand within this time, name lookup and TLS included.
    pub connect_timeout: Duration,
    /// Whom to trust, and what to identify with, where it is reached by `https`.
    pub tls: outbound::Tls,
}

impl UpstreamConfig {
    /// A server at `base_url`, with no key and the defaults.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: None,
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            tls: outbound::Tls::default(),
        }
    }
}

/// An engine cannot be built from its settings. The text names no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The base URL is none.
    #[error("the base URL {0:?} is not of the form http://host:port/path")]
    BaseUrl(String),
    /// A header cannot be sent.
    #[error("the header {0:?}, or its value, has characters that HTTP does not allow")]
    Header(String),
    /// Certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] outbound::TlsError),
}

/// A model server.
pub(crate) struct Upstream {
    client: Client<outbound::Connector, Full<Bytes>>,
    /// Without a slash at its end.
    base: String,
    headers: HeaderMap,
}

impl Upstream {
    /// Which server it is: host, port and path.
    pub(crate) fn server(&self) -> &str {
        self.base.split_once("://").map_or(&self.base, |(_, server)| server)
    }

    pub(crate) fn new(config: &UpstreamConfig) -> Result<Self, ConfigError> {
        let base = base_url(&config.base_url).ok_or_else(|| ConfigError::BaseUrl(config.base_url.clone()))?;
        let connector = outbound::Connector::new(
            base.starts_with("https:").then_some(&config.tls),
            config.connect_timeout,
        )?;
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, base, headers: headers(config)? })
    }

    /// Asks for an event stream. Returns once the server has accepted the request.
    pub(crate) async fn stream<T: Translate>(
        &self,
        path: &str,
        body: &Value,
        trace: Option<&TraceContext>,
        translate: T,
    ) -> Result<Events<T>, Error> {
        let mut request = self.request(Method::POST, path, Bytes::from(body.to_string()))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        hand_on(trace, request.headers_mut());
        let response = self.send(request).await?;
        if is_json(response.headers()) {
            // Some servers tell of an error with a status of 200 and no stream.
            let answer = answer(response.into_body()).await;
            return Err(status::in_place_of_stream(&answer));
        }
        Ok(Events::new(response.into_body(), translate))
    }

    /// The ids of the models at `GET /models`, or `None` if the server knows no such request.
    pub(crate) async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        let request = self.request(Method::GET, "/models", Bytes::new())?;
        let answer = time::timeout(MODELS_TIMEOUT, async {
            let response = self.send(request).await?;
            Ok(answer(response.into_body()).await)
        });
        let answer = match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Error { fault: Fault::Refused, .. })) => return Ok(None),
            Ok(Err(error)) => return Err(error),
            // A server that is busy loading a model may list it later: not a failure for good.
            Err(_) => {
                return Err(status::unreachable(format!("no list of models within {MODELS_TIMEOUT:?}")));
            }
        };
        let list: Value = serde_json::from_slice(&answer).map_err(|error| garbled(error.to_string()))?;
        let models = list["data"].as_array().ok_or_else(|| garbled("the list of models has no data"))?;
        Ok(Some(models.iter().filter_map(|model| Some(model["id"].as_str()?.to_owned())).collect()))
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .body(Full::new(body))
            .map_err(|error| status::unreachable(error.to_string()))?;
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }

    /// Sends a request; an answer that is not a success is an error.
    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        let response = self.client.request(request).await.map_err(|error| {
            let causes: Vec<String> = std::iter::successors(error.source(), |&cause| cause.source())
                .map(|cause| format!(": {cause}"))
                .collect();
            let said = format!("{error}{}", causes.concat());
            status::unreachable(match outbound::advice(&error) {
                Some(advice) => format!("{advice} ({said})"),
                None => said,
            })
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        Err(status::refusal(head.status, &head.headers, &answer(body).await))
    }
}

/// Tells the server under which span its own work belongs, by W3C Trace Context.
fn hand_on(trace: Option<&TraceContext>, headers: &mut HeaderMap) {
    let Some(trace) = trace else { return };
    let told = [("traceparent", trace.traceparent()), ("tracestate", trace.state().to_owned())];
    for (name, value) in told.into_iter().filter(|(_, value)| !value.is_empty()) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// The body of an answer that is not a stream: as much of it as came, for an error is told all the same.
async fn answer(body: Incoming) -> Bytes {
    match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

/// The URL to which paths are appended: what the official SDKs take as theirs, with or without `/v1` and a slash.
fn base_url(url: &str) -> Option<String> {
    let uri: Uri = url.trim().parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_plain = uri.query().is_none() && !authority.as_str().contains('@');
    let path = match uri.path().trim_end_matches('/') {
        "" => "/v1",
        path => path,
    };
    (matches!(scheme, "http" | "https") && is_plain).then(|| format!("{scheme}://{authority}{path}"))
}

fn headers(config: &UpstreamConfig) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("narthex/", env!("CARGO_PKG_VERSION"))));
    let key = config.api_key.as_ref().map(|key| ("authorization".to_owned(), bearer(key)));
    for (name, value) in key.iter().chain(&config.headers) {
        let wrong = || ConfigError::Header(name.clone());
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value.reveal()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

fn bearer(key: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", key.reveal()))
}

#[cfg(test)]
mod tests;
