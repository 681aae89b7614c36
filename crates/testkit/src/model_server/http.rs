//! The server's HTTP: what is asked goes in as JSON, a play comes out.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    body::{Line, Performance, Teller},
    chat::{self, ChatTeller},
    play::Play,
    prompt::Prompt,
    responses::{self, ResponsesTeller},
    script::Script,
    stats::{Answer, Seen, Stats},
};

/// Larger requests are refused.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// A question that waits for something is answered after this, whether it came or not.
const PATIENCE: Duration = Duration::from_secs(10);
/// The prompts whose calls are counted; beyond that counting begins again.
const MAX_PROMPTS: usize = 10_000;

type Body = UnsyncBoxBody<Bytes, io::Error>;
type Answered = io::Result<Response<Body>>;

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    script: Script,
    models: Mutex<BTreeMap<String, Script>>,
    calls: Mutex<HashMap<String, u64>>,
    stats: Arc<watch::Sender<Stats>>,
}

/// Which protocol a request is in.
#[derive(Debug, Clone, Copy)]
enum Protocol {
    Chat,
    Responses,
}

impl State {
    pub(super) fn new(script: Script) -> Self {
        Self { script, models: Mutex::default(), calls: Mutex::default(), stats: Arc::default() }
    }

    pub(super) fn set_script(&self, model: &str, script: Script) {
        self.models.lock().insert(model.to_owned(), script);
    }

    pub(super) const fn stats(&self) -> &Arc<watch::Sender<Stats>> {
        &self.stats
    }

    fn script_for(&self, model: &str) -> Script {
        self.models.lock().get(model).unwrap_or(&self.script).clone()
    }

    /// How many calls with this prompt there were before.
    fn earlier_calls(&self, prompt: &str) -> u64 {
        let mut calls = self.calls.lock();
        if calls.len() == MAX_PROMPTS {
            calls.clear();
        }
        let count = calls.entry(prompt.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    fn models(&self) -> Value {
        let model = |id: &str| json!({ "id": id, "object": "model", "created": 1_700_000_000, "owned_by": "testkit" });
        let named: Vec<Value> = self.models.lock().keys().map(|id| model(id)).collect();
        let data = if named.is_empty() { vec![model("scripted")] } else { named };
        json!({ "object": "list", "data": data })
    }
}

/// Serves until `stop`, and then leaves every connection where it stands.
pub(super) async fn serve(
    listener: TcpListener,
    state: Arc<State>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        state.stats.send_modify(|stats| stats.connections += 1);
        let (state, stop) = (state.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = serve_connection(stream, state) => {}
            }
        });
    }
}

async fn serve_connection(stream: TcpStream, state: Arc<State>) {
    // Without it the system would hold small events back for 40 ms; if it cannot be set, tests merely are slower.
    let _ = stream.set_nodelay(true);
    let line = Arc::new(Line::of(&stream));
    let service = service_fn(move |request| answer(request, state.clone(), line.clone()));
    // Clients that leave and scripts that cut are what this server is for: neither is an error here.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, state: Arc<State>, line: Arc<Line>) -> Answered {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/stats") => stats(request.uri().query().unwrap_or_default(), &state).await,
        (&Method::GET, "/v1/models") => json_answer(StatusCode::OK, &state.models()),
        (&Method::POST, "/v1/chat/completions") => produce(Protocol::Chat, request, state, line).await,
        (&Method::POST, "/v1/responses") => produce(Protocol::Responses, request, state, line).await,
        _ => refuse(StatusCode::NOT_FOUND, "There is nothing here."),
    }
}

/// What happened so far. A query waits for it: `?aborted=2&finished=1` until these numbers are no less than that.
async fn stats(query: &str, state: &State) -> Answered {
    let wanted: Option<Vec<(&str, u64)>> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').and_then(|(name, least)| Some((name, least.parse().ok()?))))
        .collect();
    let Some(wanted) = wanted else {
        return refuse(StatusCode::BAD_REQUEST, "A query is name=number, and more after &.");
    };
    let holds = |stats: &Stats| wanted.iter().all(|(name, least)| stats.number(name) >= Some(*least));
    // Too late is for the asker to judge: the answer tells how far it has come.
    let _ = time::timeout(PATIENCE, state.stats.subscribe().wait_for(holds)).await;
    let stats = state.stats.borrow().to_json();
    json_answer(StatusCode::OK, &stats)
}

async fn produce(
    protocol: Protocol,
    request: Request<Incoming>,
    state: Arc<State>,
    line: Arc<Line>,
) -> Answered {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large or broke off.");
    };
    let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    let mut prompt = Prompt::read(&body);
    let unknown_option = unknown_option(&body);
    let key = head.headers.get(AUTHORIZATION).cloned();
    state.stats.send_modify(|stats| {
        stats.remember(Seen { path: head.uri.path().to_owned(), headers: head.headers, body });
    });

    let mut script = state.script_for(&prompt.model);
    if let Err(problem) = prompt.direct(&mut script) {
        return refuse(StatusCode::BAD_REQUEST, &problem);
    }
    if script
        .api_key
        .as_ref()
        .is_some_and(|wanted| key.is_none_or(|key| key != format!("Bearer {wanted}").as_str()))
    {
        return refuse(StatusCode::UNAUTHORIZED, "Incorrect API key provided.");
    }
    if let Some(option) = unknown_option.filter(|_| script.strict) {
        return refuse(StatusCode::BAD_REQUEST, &format!("Unknown parameter: 'stream_options.{option}'."));
    }
    let faulty = script.faulty_calls.is_none_or(|faulty| state.earlier_calls(&prompt.text) < faulty);
    if let Some((status, body)) = script.fail.take().filter(|_| faulty) {
        return fail(status, body, script.retry_after.as_deref());
    }
    match Play::new(script, prompt, faulty) {
        Ok(play) => perform(protocol, play, &state, line).await,
        Err(problem) => refuse(StatusCode::BAD_REQUEST, problem),
    }
}

async fn perform(protocol: Protocol, play: Play, state: &State, line: Arc<Line>) -> Answered {
    let mut performance = Performance::new(play.clone(), Answer::begin(state.stats.clone()), line);
    if play.prompt().stream {
        if play.script().late_head {
            performance.first_due().await;
        }
        let teller: Box<dyn Teller> = match protocol {
            Protocol::Chat => Box::new(ChatTeller::new(&play)),
            Protocol::Responses => Box::new(ResponsesTeller::new(&play)),
        };
        let body = StreamBody::new(performance.stream(teller)).boxed_unsync();
        return build(Response::builder().header(CONTENT_TYPE, "text/event-stream; charset=utf-8"), body);
    }
    match performance.whole().await? {
        Ok((pieces, reason, usage)) => {
            let whole = match protocol {
                Protocol::Chat => chat::completion(&play, &pieces, &reason, usage),
                Protocol::Responses => responses::response(&play, &pieces, &reason, usage),
            };
            json_answer(StatusCode::OK, &whole)
        }
        Err(error) => fail(500, format!("{{\"error\":{error}}}"), None),
    }
}

/// A stream option that OpenAI does not have.
fn unknown_option(body: &Value) -> Option<String> {
    let known = ["include_usage", "include_obfuscation"];
    body["stream_options"].as_object()?.keys().find(|name| !known.contains(&name.as_str())).cloned()
}

fn refuse(status: StatusCode, message: &str) -> Answered {
    let error = json!({ "message": message, "type": "invalid_request_error", "param": null, "code": null });
    json_answer(status, &json!({ "error": error }))
}

fn fail(status: u16, body: String, retry_after: Option<&str>) -> Answered {
    let mut builder = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    if let Some(retry_after) = retry_after {
        builder = builder.header(RETRY_AFTER, retry_after);
    }
    build(builder, full(body))
}

fn json_answer(status: StatusCode, body: &Value) -> Answered {
    let builder = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    build(builder, full(body.to_string()))
}

fn full(body: String) -> Body {
    Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()
}

fn build(builder: hyper::http::response::Builder, body: Body) -> Answered {
    builder.body(body).map_err(io::Error::other)
}
