//! A client that is dull on purpose: it shows what is on the wire.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, Response, body::Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

/// An HTTP client of one gateway.
#[derive(Debug, Clone)]
pub struct Http {
    address: SocketAddr,
    /// Sent with every request.
    token: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A stream of Server-Sent Events, as JSON. `[DONE]` is its end.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Http {
    /// A client of the gateway at `address`.
    pub fn new(address: SocketAddr) -> Self {
        Self { address, token: None, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// The same, with this key or token.
    #[must_use]
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Sends a request with a JSON body, or none.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Response<Incoming> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request =
            request.header("content-type", "application/json").body(Full::from(body)).expect("a request");
        self.client.request(request).await.expect("an answer")
    }

    /// Sends a request, and reads the whole JSON answer: its status, and its body.
    ///
    /// # Panics
    /// When there is no answer, or it is not JSON.
    pub async fn json(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.send(method, path, &[], body).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&bytes).expect("a JSON body"))
    }

    /// Gets a text: its status, and its body.
    ///
    /// # Panics
    /// When there is no answer, or it is not text.
    pub async fn text(&self, path: &str) -> (u16, String) {
        let response = self.send(Method::GET, path, &[], None).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
    }

    /// Opens a stream of events.
    ///
    /// # Panics
    /// When the answer is not a stream of events.
    pub async fn events(&self, method: Method, path: &str, body: Option<Value>) -> EventStream {
        self.events_with(method, path, &[], body).await
    }

    /// The same, with these headers.
    ///
    /// # Panics
    /// When the answer is not a stream of events.
    pub async fn events_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> EventStream {
        let response = self.send(method, path, headers, body).await;
        assert_eq!(response.status(), 200, "{path}");
        EventStream { body: response.into_body(), buffer: Vec::new() }
    }
}

impl EventStream {
    /// The next event, `None` at `[DONE]` or where the stream breaks off.
    ///
    /// # Panics
    /// When what comes is not a stream of events.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|bytes| bytes == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let frame = String::from_utf8(frame).expect("UTF-8");
                let Some(data) = frame.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
                if data == "[DONE]" {
                    return None;
                }
                return Some(serde_json::from_str(data).expect("JSON"));
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }

    /// All events that are left.
    pub async fn rest(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

/// A WebSocket client of one gateway.
#[derive(Debug)]
pub struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects.
    ///
    /// # Panics
    /// When the gateway refuses.
    pub async fn connect(address: SocketAddr) -> Self {
        let (socket, _) = Self::try_connect(address, &[]).await.expect("a WebSocket");
        socket
    }

    /// Connects with a key or token in the header.
    ///
    /// # Panics
    /// When the gateway refuses.
    pub async fn connect_with(address: SocketAddr, token: &str) -> Self {
        let bearer = format!("Bearer {token}");
        let (socket, _) =
            Self::try_connect(address, &[("authorization", &bearer)]).await.expect("a WebSocket");
        socket
    }

    /// Connects with these headers. The headers of the answer come with the socket.
    ///
    /// # Errors
    /// The answer of a gateway that refuses: its status, and its body.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn try_connect(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, HeaderMap), (u16, Value)> {
        let url = format!("ws://{address}/v1/responses");
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a header"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, response)) => Ok((Self(socket), response.into_parts().0.headers)),
            Err(tungstenite::Error::Http(response)) => {
                let (head, body) = response.into_parts();
                let body = body.and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
                Err((head.status.as_u16(), body))
            }
            Err(error) => panic!("no WebSocket: {error}"),
        }
    }

    /// Sends a JSON message.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    /// Sends any message.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_raw(&mut self, message: Message) {
        self.0.send(message).await.expect("an open connection");
    }

    /// The next event.
    ///
    /// # Panics
    /// When the connection ends instead.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.0.next().await.expect("an open connection").expect("a message") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Close(frame) => panic!("the connection was closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// Events up to and including the first terminal one, or an error of the socket's own.
    pub async fn turn(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await;
            let kind = event["type"].as_str().unwrap_or_default().to_owned();
            let is_last =
                matches!(kind.as_str(), "response.completed" | "response.failed" | "response.incomplete")
                    || (kind == "error" && event.get("sequence_number").is_none());
            events.push(event);
            if is_last {
                return events;
            }
        }
    }

    /// Waits for the connection's end: the code with which it was closed, if it was.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

/// The text that the deltas of these events add up to.
pub fn text(events: &[Value]) -> String {
    events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .filter_map(|event| event["delta"].as_str())
        .collect()
}

/// The sequence numbers of these events.
pub fn sequence(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["sequence_number"].as_u64()).collect()
}
