//! Scenes of endings: cancel, grace, disconnects, drain, take-over.
#![expect(clippy::expect_used, reason = "the lint knows tests, but not their helpers")]

use std::{sync::Arc, time::Duration};

use engine::{Error, Fault, Output, Usage};
use hyper::Method;
use serde_json::json;
use stream::EventKind;
use testkit::{
    client::text,
    cluster::model,
    puppet::puppet,
    scene::{Scene, body, create},
};
use tokio_util::task::TaskTracker;
use worker::Continuation;

/// Nothing in these scenes may take longer.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens soon")
}

fn short_grace() -> gateway::Config {
    gateway::Config { grace: Duration::from_millis(300), ..gateway::Config::default() }
}

#[tokio::test]
async fn cancel_stops_the_model() {
    let scene = Scene::new().await;
    let request = body("Hi", json!({"background": true}));
    let (_, response) = scene.http().json(Method::POST, "/v1/responses", Some(request)).await;
    assert_eq!(response["status"], "queued");
    let call = scene.stage.next_call().await;
    call.say("Once upon").await;
    let path = format!("/v1/responses/{}", response["id"].as_str().unwrap());
    let (status, cancelled) = soon(scene.http().json(Method::POST, &format!("{path}/cancel"), None)).await;
    assert_eq!((status, &cancelled["status"]), (200, &json!("cancelled")));
    soon(call.aborted()).await;
    // Cancelling again changes nothing, and reading it tells the same.
    assert_eq!(scene.http().json(Method::POST, &format!("{path}/cancel"), None).await.1, cancelled);
    assert_eq!(scene.http().json(Method::GET, &path, None).await.1, cancelled);
}

#[tokio::test]
async fn a_response_ends_in_one_append() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    scene.answer(&["Hello"]).await;
    let id = socket.turn().await[0]["response"]["id"].as_str().unwrap().parse().unwrap();
    let page = scene.cluster.broker().log.read(id, 0, usize::MAX).await.unwrap().unwrap();
    let last: Vec<_> = page.records.last().unwrap().events.iter().map(|event| event.kind().name()).collect();
    let closing = ["response.output_text.done", "response.content_part.done", "response.output_item.done"];
    assert!(last.ends_with(&[closing.as_slice(), &["response.completed"]].concat()), "{last:?}");
}

#[tokio::test]
async fn a_response_that_waits_can_be_cancelled_without_any_worker() {
    let scene = Scene::new().await;
    let http = scene.http();
    scene.worker.kill();
    let request = body("Hi", json!({"background": true}));
    let (_, response) = http.json(Method::POST, "/v1/responses", Some(request)).await;
    let path = format!("/v1/responses/{}/cancel", response["id"].as_str().unwrap());
    let (_, cancelled) = soon(http.json(Method::POST, &path, None)).await;
    assert_eq!(cancelled["status"], "cancelled");
}

#[tokio::test]
async fn a_response_without_subscribers_is_cancelled_after_its_grace() {
    let config = worker::Config { lease: Duration::from_millis(600), ..worker::Config::default() };
    let scene = Scene::with(broker::memory::broker(), short_grace(), config).await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("Hello").await;
    drop(socket);
    soon(call.aborted()).await;
}

#[tokio::test]
async fn a_response_in_the_background_needs_no_subscriber() {
    let config = worker::Config { lease: Duration::from_millis(300), ..worker::Config::default() };
    let scene = Scene::with(broker::memory::broker(), short_grace(), config).await;
    let request = body("Hi", json!({"background": true, "stream": true}));
    let stream = scene.http().events(Method::POST, "/v1/responses", Some(request)).await;
    let call = scene.stage.next_call().await;
    drop(stream);
    let gone = tokio::time::timeout(Duration::from_millis(1500), call.aborted()).await;
    assert!(gone.is_err(), "the model goes on");
    assert!(call.say("still here").await);
    call.finish().await;
}

#[tokio::test]
async fn a_drained_gateway_lets_streams_end_and_closes_with_1012() {
    let scene = Scene::with(
        broker::memory::broker(),
        gateway::Config { drain_timeout: Duration::from_secs(5), ..gateway::Config::default() },
        worker::Config::default(),
    )
    .await;
    let (mut busy, mut idle) = (scene.socket().await, scene.socket().await);
    busy.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("Hello").await;
    let drained = TaskTracker::new().spawn(scene.gateway.running.drain());
    assert_eq!(soon(idle.closed()).await, Some(1012));
    call.say(", goodbye").await;
    call.finish().await;
    assert_eq!(text(&busy.turn().await), "Hello, goodbye");
    assert_eq!(soon(busy.closed()).await, Some(1012));
    soon(drained).await.unwrap();
}

#[tokio::test]
async fn another_worker_starts_again_what_was_not_shown() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let first = scene.stage.next_call().await;
    let (engine, stage) = puppet();
    let _worker = scene.cluster.worker(worker::Config::default(), model(), engine).await;
    scene.worker.kill();
    drop(first);
    let second = soon(stage.next_call()).await;
    assert_eq!(second.call.prefix, None);
    second.say("Hello").await;
    second.finish().await;
    assert_eq!(text(&soon(socket.turn()).await), "Hello");
}

/// A response is interrupted after "Hello": how does it end where the model server can do `continuation`?
async fn interrupted(
    continuation: Continuation,
    more: serde_json::Value,
) -> (Vec<serde_json::Value>, Option<String>) {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", more)).await;
    let first = scene.stage.next_call().await;
    first.say("Hello").await;
    let mut events = Vec::new();
    while text(&events) != "Hello" {
        events.push(soon(socket.next()).await);
    }
    let (engine, stage) = puppet();
    let model = worker::ModelConfig { continuation, ..model() };
    let _worker = scene
        .cluster
        .worker(worker::Config::default(), model, Arc::clone(&engine) as Arc<dyn engine::Engine>)
        .await;
    scene.worker.kill();
    drop(first);
    let carried_on = async {
        let second = stage.next_call().await;
        second.say(", world").await;
        let prefix = second.call.prefix.clone();
        second.finish().await;
        prefix
    };
    let turn = async { soon(socket.turn()).await };
    let (prefix, rest) = if continuation == Continuation::Prefill
        && events[0]["response"]["text"]["format"]["type"] == "text"
    {
        tokio::join!(carried_on, turn)
    } else {
        (None, turn.await)
    };
    events.extend(rest);
    (events, prefix)
}

#[tokio::test]
async fn another_worker_carries_on_the_text() {
    let (events, prefix) = interrupted(Continuation::Prefill, json!({})).await;
    assert_eq!(prefix.as_deref(), Some("Hello"));
    assert_eq!(text(&events), "Hello, world");
    let sequence = testkit::client::sequence(&events);
    assert_eq!(sequence, (0..events.len() as u64).collect::<Vec<_>>());
    let last = &events.last().unwrap()["response"];
    assert_eq!(last["output"][0]["content"][0]["text"], "Hello, world");
}

#[tokio::test]
async fn what_cannot_be_carried_on_fails_with_a_code() {
    let (events, _) = interrupted(Continuation::None, json!({})).await;
    assert_eq!(events.last().unwrap()["response"]["error"]["code"], "generation_interrupted");
    // JSON would be corrupted by a prefix.
    let format = json!({"text": {"format": {"type": "json_object"}}});
    let (events, _) = interrupted(Continuation::Prefill, format).await;
    assert_eq!(events.last().unwrap()["type"], "response.failed");
    assert_eq!(text(&events), "Hello");
}

#[tokio::test]
async fn a_call_that_breaks_off_before_anything_was_shown_is_tried_again() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let first = scene.stage.next_call().await;
    first.fail(Error::new(Fault::Unreachable, "The model server broke off.", "test")).await;
    scene.answer(&["Hello"]).await;
    assert_eq!(text(&soon(socket.turn()).await), "Hello");
}

/// Over SSE an `error` event comes before `response.failed`. On a socket clients would take it for the end of the turn, so
/// there it is told as a part of the one that does end it.
#[tokio::test]
async fn a_refusal_of_the_model_server_reaches_the_client() {
    let scene = Scene::new().await;
    let refuse = async || {
        let call = scene.stage.next_call().await;
        call.fail(Error::new(Fault::Refused, "The image is too large.", "test")).await;
    };
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    refuse().await;
    let told = soon(socket.turn()).await;
    let stream =
        scene.http().events(Method::POST, "/v1/responses", Some(body("Hi", json!({"stream": true})))).await;
    refuse().await;
    let streamed = soon(stream.rest()).await;
    for events in [&told, &streamed] {
        let last = events.last().unwrap();
        assert_eq!(last["type"], "response.failed");
        assert_eq!(last["response"]["error"]["message"], "The image is too large.");
    }
    let error = &streamed[streamed.len() - 2];
    assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!("invalid_request_error")));
    let failed = told.last().unwrap();
    assert_eq!(failed["narthex:merged_from"], error["sequence_number"]);
}

#[tokio::test]
async fn a_cancelled_response_costs_what_was_told_of_it() {
    let scene = Scene::new().await;
    let http = scene.http();
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let id = soon(socket.next()).await["response"]["id"].as_str().unwrap().to_owned();
    let call = scene.stage.next_call().await;
    // As servers do that tell usage with every token. The last token is told before it is counted.
    let usage = |output_tokens| Output::Usage(Usage { input_tokens: 20, output_tokens, ..Usage::default() });
    for count in 0..3 {
        call.output(usage(count)).await;
        call.say("word ").await;
    }
    let mut events = Vec::new();
    while text(&events) != "word word word " {
        events.push(soon(socket.next()).await);
    }
    let path = format!("/v1/responses/{id}/cancel");
    let (_, cancelled) = soon(http.json(Method::POST, &path, None)).await;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["usage"]["input_tokens"], 20);
    assert_eq!(cancelled["usage"]["output_tokens"], 3);
}

#[tokio::test]
async fn a_text_is_closed_and_its_response_ended_in_one_piece() {
    let broker = broker::memory::broker();
    let (gateway, worker) = (gateway::Config::default(), worker::Config::default());
    let scene = Scene::with(broker.clone(), gateway, worker).await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("Once").await;
    // All that was said is in the log: what follows waits for no append, and would go in pieces if it came in pieces.
    while soon(socket.next()).await["type"] != "response.output_text.delta" {}
    call.finish().await;
    let id = soon(socket.turn()).await.pop().unwrap()["response"]["id"].as_str().unwrap().parse().unwrap();
    let page = broker.log.read(id, 0, usize::MAX).await.unwrap().unwrap();
    let last = page.records.last().unwrap();
    assert!(last.is_terminal());
    let kinds: Vec<_> = last.events_from(0).map(|(_, event)| event.kind()).collect();
    assert_eq!(
        kinds,
        [
            EventKind::OutputTextDone,
            EventKind::ContentPartDone,
            EventKind::OutputItemDone,
            EventKind::Completed
        ]
    );
}

#[tokio::test]
async fn a_response_whose_worker_died_does_not_wait_for_ever_for_another() {
    let gateway = gateway::Config { queue_timeout: Duration::from_millis(600), ..gateway::Config::default() };
    let scene = Scene::with(broker::memory::broker(), gateway, worker::Config::default()).await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("Once").await;
    let mut events = Vec::new();
    while text(&events) != "Once" {
        events.push(soon(socket.next()).await);
    }
    scene.worker.kill();
    events.extend(soon(socket.turn()).await);
    let response = &events.last().unwrap()["response"];
    assert_eq!(
        (&response["status"], &response["error"]["code"]),
        (&json!("failed"), &json!("queue_timeout"))
    );
    assert_eq!(response["output"][0]["content"][0]["text"], "Once");
}

/// A response of which nothing is heard, because its model thinks, is not taken from its worker.
#[tokio::test]
async fn a_silent_model_keeps_its_response() {
    let gateway = gateway::Config { queue_timeout: Duration::from_millis(300), ..gateway::Config::default() };
    let config = worker::Config { lease: Duration::from_millis(300), ..worker::Config::default() };
    let scene = Scene::with(broker::memory::broker(), gateway, config).await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    // Several of the gateway's looks go by; each is half a second after the one before.
    let waited = tokio::time::timeout(Duration::from_secs(2), async {
        while socket.next().await["type"] != "response.output_text.delta" {}
    });
    assert!(waited.await.is_err());
    call.say("Once").await;
    call.finish().await;
    let events = soon(socket.turn()).await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

/// As after a Redis that lost its queue.
#[tokio::test]
async fn a_response_whose_job_is_lost_ends() {
    let gateway = gateway::Config { queue_timeout: Duration::from_millis(600), ..gateway::Config::default() };
    let scene = Scene::with(broker::memory::broker(), gateway, worker::Config::default()).await;
    let mut socket = scene.socket().await;
    let Scene { cluster, worker, gateway: _gateway, .. } = scene;
    worker.kill();
    socket.send(create("Hi", json!({}))).await;
    soon(socket.next()).await;
    let (jobs, thief) = (&cluster.broker().jobs, broker::Member::random("thief"));
    let second = Duration::from_secs(1);
    let claims = soon(jobs.claim(testkit::cluster::MODEL, &thief, 1, second * 5, second)).await.unwrap();
    jobs.finish(&claims[0].ticket).await.unwrap();
    let events = soon(socket.turn()).await;
    assert_eq!(events.last().unwrap()["response"]["error"]["code"], "queue_timeout");
}
