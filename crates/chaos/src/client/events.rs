//! A client on server-sent events: one response at a time.

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, body::Incoming};
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::TokioExecutor,
};
use rand::RngExt as _;
use serde_json::Value;
use sse_stream::SseStream;
use tokio::time::{self, Instant};

use super::{ASKED_AGAIN, Client, Left, PATIENCE, STUCK, authorization, code_of, may_try_again, request};
use crate::tape::{Reading, Tape};

/// How a client asks for events.
#[derive(Debug, Clone, Copy)]
enum Ask {
    /// `POST`, with its key.
    Create,
    /// `GET`, with `starting_after`.
    After(u64),
    /// `GET`, with `Last-Event-ID`.
    Header(u64),
}

/// One response after the other, until the scene stops.
pub(super) async fn run(mut client: Client) {
    while let Some(mut tape) = client.order() {
        follow(&mut client, &mut tape).await;
        finish(&mut client, tape).await;
    }
}

/// Follows a stream to its end, over as many connections as it takes.
pub(super) async fn follow(client: &mut Client, tape: &mut Tape) {
    let mut door = client.door(None);
    while !tape.is_over() {
        let ask = match (tape.last(), client.random.random_range(0..3)) {
            (Some(last), 0) => Ask::After(last),
            (Some(last), 1) => Ask::Header(last),
            _ => Ask::Create,
        };
        let mut reading = match ask {
            Ask::Create => Reading::from_the_beginning(),
            Ask::After(_) | Ask::Header(_) => tape.resume(),
        };
        let left = hear(client, door, ask, tape, &mut reading).await;
        tape.close(reading);
        door = go_on(client, tape, left, &format!("{ask:?} at gateway {door}"), door).await;
    }
}

/// What follows on the end of a connection: another gateway, after a moment.
async fn go_on(client: &mut Client, tape: &mut Tape, left: Left, what: &str, door: usize) -> usize {
    let ledger = &client.scene.ledger;
    tape.note(ledger.elapsed(), format!("{what}: {left}"));
    match left {
        Left::Done => return door,
        Left::Refused(code) => ledger.refused(&code),
        Left::Broke(_) => ledger.reconnected(),
    }
    if tape.silence(Instant::now()) > STUCK {
        tape.fail("stuck", format!("nothing new for {STUCK:?}"));
    }
    time::sleep(client.pause()).await;
    client.door(Some(door))
}

/// Some of what has ended is asked for again: by its key, and by its name.
pub(super) async fn finish(client: &mut Client, mut tape: Tape) {
    if tape.wrongs.is_empty() && client.random.random_bool(ASKED_AGAIN) {
        let mut door = client.door(None);
        let since = Instant::now();
        loop {
            let mut reading = Reading::from_the_beginning();
            let left = hear(client, door, Ask::Create, &mut tape, &mut reading).await;
            tape.close(reading);
            let is_done = matches!(left, Left::Done);
            door = go_on(client, &mut tape, left, "asked again", door).await;
            if is_done || !tape.wrongs.is_empty() {
                break;
            }
            if since.elapsed() > STUCK {
                tape.fail("stuck", "it was not told again");
                break;
            }
        }
    }
    client.scene.ledger.settle(&tape);
}

/// Hears a stream on one connection.
async fn hear(client: &Client, door: usize, ask: Ask, tape: &mut Tape, reading: &mut Reading) -> Left {
    let answer = match time::timeout(PATIENCE, send(client, door, ask, tape)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Left::Broke(error),
        Err(_) => return Left::Broke("no answer".to_owned()),
    };
    let status = u64::from(answer.status().as_u16());
    if status != 200 {
        let Ok(Ok(body)) = time::timeout(PATIENCE, answer.into_body().collect()).await else {
            return Left::Broke(format!("a {status} without its body"));
        };
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        return refused(tape, status, &body["error"]);
    }
    let mut events = SseStream::new(answer.into_body());
    let mut has_ended = false;
    loop {
        let event = match time::timeout(PATIENCE, events.next()).await {
            // All is told; that the connection ended before it said so is one more fault.
            Ok(None | Some(Err(_))) | Err(_) if has_ended => return Left::Done,
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(error))) => return Left::Broke(error.to_string()),
            Ok(None) => return Left::Broke("it ended".to_owned()),
            Err(_) => return Left::Broke("silence".to_owned()),
        };
        let Some(data) = event.data else { continue };
        if data == "[DONE]" {
            if !has_ended {
                tape.fail("done_too_early", "[DONE] without an end before it");
            }
            return Left::Done;
        }
        let Ok(event) = serde_json::from_str::<Value>(&data) else {
            tape.fail("not_json", data);
            return Left::Done;
        };
        if event["type"] == "error" && event.get("sequence_number").is_none() {
            return refused(tape, event["status"].as_u64().unwrap_or_default(), &event["error"]);
        }
        has_ended |= tape.take(reading, &event, Instant::now());
    }
}

fn refused(tape: &mut Tape, status: u64, error: &Value) -> Left {
    let code = code_of(error);
    if !may_try_again(status) {
        tape.fail(code, format!("{status}: {error}"));
        return Left::Done;
    }
    Left::Refused(code.to_owned())
}

async fn send(client: &Client, door: usize, ask: Ask, tape: &Tape) -> Result<Response<Incoming>, String> {
    let mut place = format!("http://{}/v1/responses", client.scene.doors[door]);
    let (method, body) = match ask {
        Ask::Create => {
            let mut body = request(&tape.order);
            body["stream"] = true.into();
            (Method::POST, body.to_string())
        }
        Ask::After(_) | Ask::Header(_) => (Method::GET, String::new()),
    };
    if let (Ask::After(_) | Ask::Header(_), Some(id)) = (ask, &tape.id) {
        place = format!("{place}/{id}?stream=true");
    }
    if let Ask::After(last) = ask {
        place = format!("{place}&starting_after={last}");
    }
    let mut request = Request::builder().method(method).uri(place).header("content-type", "application/json");
    if let Some((name, value)) = authorization(&client.scene) {
        request = request.header(name, value);
    }
    match ask {
        Ask::Create => request = request.header("idempotency-key", &tape.order.key),
        Ask::Header(last) => request = request.header("last-event-id", last),
        Ask::After(_) => {}
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| error.to_string())?;
    let http: Http<HttpConnector, Full<Bytes>> =
        Http::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    http.request(request).await.map_err(|error| chain(&error))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}
