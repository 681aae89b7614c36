//! HTTP/1.1 from a client's side. Nothing is read from the connection but while something is asked of it.

use std::{future::Future, pin::Pin, pin::pin};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::DuplexStream;

use super::Told;

/// A connection.
pub(super) struct Http {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once it has ended.
    connection: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// An answer that is a stream of events.
pub(super) struct Events {
    http: Http,
    body: Incoming,
    buffer: String,
}

impl Http {
    pub(super) async fn new(stream: DuplexStream) -> Option<Self> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        Some(Self { sender, connection: Some(Box::pin(async move { drop(connection.await) })) })
    }

    /// `future`, while the connection is read and written.
    async fn drive<F: Future>(
        connection: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        future: F,
    ) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|cx| {
            if connection.as_mut().is_some_and(|connection| connection.as_mut().poll(cx).is_ready()) {
                *connection = None;
            }
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Sends a request; the head of the answer, if one comes.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Option<Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(path).header("host", "narthex");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::from(body)).ok()?;
        let Self { sender, connection } = self;
        Self::drive(connection, sender.send_request(request)).await.ok()
    }

    /// The whole body of an answer as JSON.
    pub(super) async fn json(&mut self, response: Response<Incoming>) -> Option<Value> {
        let body = Self::drive(&mut self.connection, response.into_body().collect()).await.ok()?;
        serde_json::from_slice(&body.to_bytes()).ok()
    }

    /// The answer as events.
    pub(super) fn events(self, response: Response<Incoming>) -> Events {
        Events { http: self, body: response.into_body(), buffer: String::new() }
    }
}

impl Events {
    /// What comes next. Cancel safe.
    pub(super) async fn next(&mut self) -> Told {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let frame: String = self.buffer.drain(..end + 2).collect();
                match frame.lines().find_map(|line| line.strip_prefix("data: ")) {
                    Some("[DONE]") => return Told::Done,
                    Some(event) => return Told::Event(event.to_owned()),
                    None => continue,
                }
            }
            let frame = Http::drive(&mut self.http.connection, self.body.frame()).await;
            let Some(Ok(frame)) = frame else { return Told::Lost };
            if let Ok(data) = frame.into_data() {
                self.buffer.push_str(&String::from_utf8_lossy(&data));
            }
        }
    }
}
