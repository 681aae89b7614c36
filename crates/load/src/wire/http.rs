//! Server-sent events over HTTP/1.1: one request for each stream, on a connection that is kept.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::Gone;
use crate::{
    Dialect, Load,
    address::Target,
    heard::{self, Heard},
    tls::Stream,
};

/// The longest line, and the longest error, that is read.
const MAX_LINE: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Http {
    sender: SendRequest<Full<Bytes>>,
    dialect: Dialect,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
    path: String,
    body: Option<Incoming>,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
}

impl From<hyper::Error> for Gone {
    fn from(error: hyper::Error) -> Self {
        Self(if error.is_incomplete_message() || error.is_closed() { "closed" } else { "http" }.to_owned())
    }
}

impl From<hyper::http::Error> for Gone {
    fn from(_: hyper::http::Error) -> Self {
        Self("http".to_owned())
    }
}

impl Http {
    pub(super) async fn open(
        load: &Load,
        target: &Target,
        stream: Stream,
        tasks: &TaskTracker,
    ) -> Result<Self, Gone> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // How it ends is told to whoever reads a body.
        tasks.spawn(async { drop(connection.await) });
        let header = |text: String| HeaderValue::from_str(&text).map_err(|_| Gone("not_a_header".to_owned()));
        Ok(Self {
            sender,
            dialect: load.dialect,
            host: header(target.authority.clone())?,
            authorization: load.key.as_ref().map(|key| header(format!("Bearer {key}"))).transpose()?,
            path: target.path.clone(),
            body: None,
            begun: Vec::new(),
        })
    }

    pub(super) async fn ask(&mut self, load: &Load) -> Result<(), Gone> {
        let mut request = match self.dialect {
            Dialect::Chat => {
                json!({ "model": load.model, "messages": [{ "role": "user", "content": load.prompt }], "stream": true })
            }
            _ => json!({ "model": load.model, "input": load.prompt, "stream": true }),
        };
        if let Some(max_tokens) = load.max_tokens {
            let name = if self.dialect == Dialect::Chat { "max_tokens" } else { "max_output_tokens" };
            request[name] = max_tokens.into();
        }
        let path = self.path.clone();
        self.request(Method::POST, path, request.to_string()).await
    }

    pub(super) async fn resume(&mut self, response: &str, starting_after: Option<u64>) -> Result<(), Gone> {
        let after = starting_after.map(|number| format!("&starting_after={number}")).unwrap_or_default();
        let path = format!("{}/{response}?stream=true{after}", self.path);
        self.request(Method::GET, path, String::new()).await
    }

    async fn request(&mut self, method: Method, path: String, body: String) -> Result<(), Gone> {
        self.rest().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(ACCEPT, "text/event-stream")
            .header(CONTENT_TYPE, "application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(Full::from(body))?).await?;
        let status = answer.status();
        if status.is_success() {
            self.body = Some(answer.into_body());
            return Ok(());
        }
        let body = Limited::new(answer.into_body(), MAX_LINE).collect().await;
        let code = body.ok().and_then(|body| heard::problem(&body.to_bytes()));
        Err(Gone(code.unwrap_or_else(|| format!("http_{}", status.as_u16()))))
    }

    /// What is left of the last answer: behind its last event there is little.
    async fn rest(&mut self) -> Result<(), Gone> {
        while let Some(body) = &mut self.body {
            match body.frame().await {
                Some(frame) => drop(frame?),
                None => self.body = None,
            }
        }
        self.begun.clear();
        Ok(())
    }

    pub(super) async fn next(&mut self, take: &mut impl FnMut(Heard<'_>)) -> Result<(), Gone> {
        let Some(body) = &mut self.body else { return std::future::pending().await };
        match body.frame().await {
            Some(frame) => {
                if let Ok(data) = frame?.into_data() {
                    self.lines(&data, take)?;
                }
            }
            None => {
                self.body = None;
                // Behind the last event nobody minds.
                take(Heard::End { number: None, outcome: Err("broke_off") });
            }
        }
        Ok(())
    }

    /// Takes the lines in `data`, and keeps what begins after the last of them.
    fn lines(&mut self, data: &[u8], take: &mut impl FnMut(Heard<'_>)) -> Result<(), Gone> {
        let mut rest = data;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, behind) = rest.split_at(end);
            rest = &behind[1..];
            if self.begun.is_empty() {
                self.dialect.line(line, take);
            } else {
                self.begun.extend_from_slice(line);
                self.dialect.line(&self.begun, take);
                self.begun.clear();
            }
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > MAX_LINE { Err(Gone("line_too_long".to_owned())) } else { Ok(()) }
    }
}

impl Dialect {
    /// Takes a line. An event of these APIs has one line of data, and all that matters is in it.
    fn line(self, line: &[u8], take: &mut impl FnMut(Heard<'_>)) {
        let Some(data) = line.strip_prefix(b"data:") else { return };
        let Ok(data) = str::from_utf8(data) else { return take(Heard::Refused("garbled")) };
        match data.trim() {
            "[DONE]" if self == Self::Chat => take(Heard::End { number: None, outcome: Ok(()) }),
            "[DONE]" => {}
            data if self == Self::Chat => heard::chunk(data, take),
            data => heard::event(data, take),
        }
    }
}
