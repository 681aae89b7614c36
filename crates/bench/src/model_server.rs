//! A model server that costs next to nothing: Chat Completions as server-sent events, and nothing else.
//!
//! What it says is [`load::numbered`]. The prompt says how much and how fast, as in `[[tokens=250 rate=50]]`: tokens a second of
//! this stream; with a rate of 0, or none, as fast as it is read, with many events in each write.

use std::{
    convert::Infallible,
    io::{self, Write as _},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use http_body_util::{BodyExt as _, Either, Full, Limited, StreamBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use load::numbered;
use serde::Deserialize;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep_until},
};
use tokio_util::task::TaskTracker;

/// What it serves.
pub(crate) const MODEL: &str = "bench";
/// Events in one write, at most.
const EVENTS_PER_WRITE: u64 = 64;
const MAX_BODY: usize = 4 * 1024 * 1024;
/// Where nothing says how long the answer is.
const TOKENS: u64 = 100;

const BEFORE: &str = r#"data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{"index":0,"delta":{"content":""#;
const AFTER: &str = "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
const END: &str = r#"data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}"#;

type Body<S> = Either<StreamBody<S>, Full<Bytes>>;

/// Serves until it is killed. The one line that it prints is its base URL.
///
/// # Errors
/// When there is no port.
pub(crate) async fn run() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "http://{}/v1", listener.local_addr()?)?;
    let tasks = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await?;
        tasks.spawn(serve(stream));
    }
}

async fn serve(stream: TcpStream) {
    // Without it the system would hold tokens back.
    let _ = stream.set_nodelay(true);
    // Clients leave as they like.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

/// What matters of a request.
#[derive(Debug, Deserialize)]
struct Ask {
    messages: Vec<Message>,
    #[serde(alias = "max_completion_tokens")]
    max_tokens: Option<u64>,
    #[serde(default)]
    stream_options: StreamOptions,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<Body<impl Stream<Item = Result<Frame<Bytes>, Infallible>>>>, hyper::http::Error> {
    let path = request.uri().path().to_owned();
    if request.method() == Method::GET && path == "/v1/models" {
        let models = format!(r#"{{"object":"list","data":[{{"id":"{MODEL}","object":"model"}}]}}"#);
        return Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .body(Either::Right(models.into()));
    }
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let ask = body.ok().and_then(|body| serde_json::from_slice::<Ask>(&body.to_bytes()).ok());
    match ask {
        Some(ask) if path == "/v1/chat/completions" => Response::builder()
            .header(CONTENT_TYPE, "text/event-stream")
            .body(Either::Left(StreamBody::new(Answer::to(&ask).stream()))),
        _ => Response::builder().status(StatusCode::BAD_REQUEST).body(Either::Right(Full::default())),
    }
}

/// An answer on its way.
#[derive(Debug)]
struct Answer {
    tokens: u64,
    /// Tokens a second; as fast as can be if it is 0.
    rate: f64,
    usage: Option<String>,
    told: u64,
    begin: Instant,
    is_over: bool,
}

impl Answer {
    fn to(ask: &Ask) -> Self {
        let prompt = ask.messages.last().map(|message| message.content.to_string()).unwrap_or_default();
        let most = ask.max_tokens.unwrap_or(u64::MAX);
        let tokens = directive(&prompt, "tokens=").map_or(TOKENS, |tokens| tokens as u64).min(most);
        let usage = ask.stream_options.include_usage.then(|| {
            format!(
                r#"data: {{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench","choices":[],"usage":{{"prompt_tokens":8,"completion_tokens":{tokens},"total_tokens":{}}}}}"#,
                tokens + 8
            )
        });
        let rate = directive(&prompt, "rate=").unwrap_or_default();
        Self { tokens, rate, usage, told: 0, begin: Instant::now(), is_over: false }
    }

    fn stream(self) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
        stream::unfold(self, async |mut answer| Some((Ok(Frame::data(answer.next().await?)), answer)))
    }

    /// The next write: all tokens that are due, and after the last of them the end.
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        if self.rate > 0.0 && self.told < self.tokens {
            sleep_until(self.begin + Duration::from_secs_f64(self.told as f64 / self.rate)).await;
        }
        let due = if self.rate > 0.0 {
            (self.begin.elapsed().as_secs_f64() * self.rate) as u64 + 1
        } else {
            self.told + EVENTS_PER_WRITE
        };
        let until = due.clamp(self.told + 1, self.told + EVENTS_PER_WRITE).min(self.tokens);
        let mut write = BytesMut::with_capacity(256 * (until - self.told + 1) as usize);
        for number in self.told..until {
            for part in [BEFORE, numbered::token(number as usize), AFTER] {
                write.extend_from_slice(part.as_bytes());
            }
        }
        self.told = until;
        if until == self.tokens {
            self.is_over = true;
            for line in [Some(END), self.usage.as_deref(), Some("data: [DONE]")].into_iter().flatten() {
                write.extend_from_slice(line.as_bytes());
                write.extend_from_slice(b"\n\n");
            }
        }
        Some(write.freeze())
    }
}

/// The number behind `name` in a prompt.
fn directive(prompt: &str, name: &str) -> Option<f64> {
    let (_, value) = prompt.split_once("[[")?.1.split_once(name)?;
    let end = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    value[..end].parse().ok()
}

#[cfg(test)]
mod tests;
