//! Scenes of the output guard: what a model says, and what people get to see.
#![expect(clippy::expect_used, reason = "the lint knows tests, but not their helpers")]

use std::{sync::Arc, time::Duration};

use engine::{Engine, Error, Fault, Finish, Output};
use guard::{Action, Guard, PatternConfig, Treatment};
use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::{sequence, text},
    cluster::model,
    puppet::{Playing, puppet},
    scene::{Scene, body, create},
};
use worker::{Continuation, ModelConfig};

/// Nothing in these scenes may take longer.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens soon")
}

/// In parts, so that nobody who looks for leaked keys finds it.
fn key() -> String {
    format!("{}{}", "AKIA", "IOSFODNN7EXAMPLE")
}

/// A worker that masks keys, stops at tokens, and leaves escapes out.
fn guarded() -> worker::Config {
    let pattern =
        |name: &str, action| PatternConfig { name: name.to_owned(), action, ..PatternConfig::default() };
    let regex = Some("![0-9]{4}".to_owned());
    let ticket = PatternConfig { name: "ticket".to_owned(), regex, ..PatternConfig::default() };
    let config = guard::Config {
        terminal_escapes: Treatment::Remove,
        control_characters: Treatment::Remove,
        patterns: vec![pattern("aws_access_key", Action::Mask), pattern("jwt", Action::Stop), ticket],
        ..guard::Config::default()
    };
    let guard = Guard::build(&config).expect("patterns that can be used").map(Arc::new);
    worker::Config { guard, ..worker::Config::default() }
}

async fn scene() -> Scene {
    Scene::with(broker::memory::broker(), gateway::Config::default(), guarded()).await
}

async fn say_by_character(call: &Playing, text: &str) {
    for character in text.chars() {
        call.say(&character.to_string()).await;
    }
}

/// The texts that the events of this type tell whole.
fn told(events: &[Value], kind: &str, member: &str) -> Vec<String> {
    let of_kind = events.iter().filter(|event| event["type"] == kind);
    of_kind.map(|event| event[member].as_str().unwrap_or_default().to_owned()).collect()
}

fn last(events: &[Value]) -> &Value {
    &events.last().expect("an end")["response"]
}

#[tokio::test]
async fn a_key_said_in_single_characters_is_masked_for_everyone_and_for_good() {
    let scene = scene().await;
    let said = format!("Use \x1b[1m{}\x1b[0m, or {}!", key(), key());
    let shown = "Use [aws_access_key], or [aws_access_key]!";

    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    say_by_character(&call, &said).await;
    call.finish().await;
    let events = soon(socket.turn()).await;
    assert_eq!(text(&events), shown);
    assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>());
    assert_eq!(told(&events, "response.output_text.done", "text"), [shown]);
    assert_eq!(last(&events)["output"][0]["content"][0]["text"], shown);
    assert!(!json!(events).to_string().contains(&key()[..8]), "nothing of it is anywhere");

    let stream =
        scene.http().events(Method::POST, "/v1/responses", Some(body("Hi", json!({"stream": true})))).await;
    let call = scene.stage.next_call().await;
    say_by_character(&call, &said).await;
    call.finish().await;
    let events = soon(stream.rest()).await;
    assert_eq!(text(&events), shown);

    let path = format!("/v1/responses/{}", last(&events)["id"].as_str().expect("an id"));
    let resumed = soon(
        scene.http().events(Method::GET, &format!("{path}?stream=true&starting_after=3"), None).await.rest(),
    )
    .await;
    assert_eq!(resumed, events[4..]);
    let (_, stored) = scene.http().json(Method::GET, &path, None).await;
    assert_eq!(stored["output"][0]["content"][0]["text"], shown);
}

#[tokio::test]
async fn what_waits_for_a_key_that_does_not_come_is_told_before_its_part_is_closed() {
    let scene = scene().await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.output(Output::Reasoning("So AKI".into())).await;
    call.say("It is AKIA").await;
    call.output(Output::Refusal("No: AKI".into())).await;
    call.output(Output::Call { index: 0, call_id: "call_0".to_owned(), name: "send".to_owned() }).await;
    for piece in ["{\"to\":\"", "AKIA", "IOSFODNN", "7EXAMPLE", " AKI\",\"n\":1", "}"] {
        call.output(Output::Arguments { index: 0, text: piece.into() }).await;
    }
    call.finish().await;
    let events = soon(socket.turn()).await;
    let output = &last(&events)["output"];
    assert_eq!(output[0]["content"][0]["text"], "So AKI");
    assert_eq!(output[1]["content"][0]["text"], "It is AKIA");
    assert_eq!(output[1]["content"][1]["refusal"], "No: AKI");
    assert_eq!(output[2]["arguments"], r#"{"to":"[aws_access_key] AKI","n":1}"#);
    assert_eq!(told(&events, "response.output_text.delta", "delta").concat(), "It is AKIA");
    assert_eq!(told(&events, "response.refusal.delta", "delta").concat(), "No: AKI");
    let deltas = told(&events, "response.function_call_arguments.delta", "delta").concat();
    assert_eq!(json!(deltas), output[2]["arguments"]);
}

#[tokio::test]
async fn what_stops_ends_the_response_before_it_and_aborts_the_call() {
    let scene = scene().await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    call.say("Log in with ").await;
    say_by_character(&call, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl and").await;
    soon(call.aborted()).await;
    let events = soon(socket.turn()).await;
    assert_eq!(text(&events), "Log in with ");
    assert_eq!(last(&events)["status"], "incomplete");
    assert_eq!(last(&events)["incomplete_details"]["reason"], "content_filter");
    assert_eq!(last(&events)["output"][0]["content"][0]["text"], "Log in with ");
}

#[tokio::test]
async fn a_key_across_the_border_of_a_take_over_is_masked_as_far_as_it_was_not_shown() {
    let model = ModelConfig { continuation: Continuation::Prefill, ..model() };
    let (engine, stage) = puppet();
    let cluster = testkit::cluster::Cluster::new(broker::memory::broker());
    let config = worker::Config { lease: Duration::from_millis(300), ..guarded() };
    let first = cluster.worker(config.clone(), model.clone(), Arc::clone(&engine) as Arc<dyn Engine>).await;
    let gateway = cluster.gateway(gateway::Config::default());
    let mut socket = testkit::client::Socket::connect(gateway.address).await;
    socket.send(create("Hi", json!({}))).await;
    let call = soon(stage.next_call()).await;
    // The `!` may begin a ticket, so it is held back; and what stands before it is a key's no more, so that is shown.
    call.say("Use AKIAIOSF!").await;
    let mut events = Vec::new();
    while text(&events) != "Use AKIAIOSF" {
        events.push(soon(socket.next()).await);
    }
    let second = cluster.worker(config, model, engine).await;
    first.kill();
    let call = soon(stage.next_call()).await;
    assert_eq!(call.call.prefix.as_deref(), Some("Use AKIAIOSF"), "what was held back was never said");
    say_by_character(&call, &format!("ODNN7EXAMPLE. Or {}.", key())).await;
    call.finish().await;
    events.extend(soon(socket.turn()).await);
    let shown = "Use AKIAIOSF[aws_access_key]. Or [aws_access_key].";
    assert_eq!(text(&events), shown);
    assert_eq!(last(&events)["output"][0]["content"][0]["text"], shown);
    drop(second);
}

#[tokio::test]
async fn a_server_that_breaks_off_in_a_key_leaves_nothing_of_it_behind() {
    let model = ModelConfig { continuation: Continuation::Prefill, ..model() };
    let (engine, stage) = puppet();
    let cluster = testkit::cluster::Cluster::new(broker::memory::broker());
    let _worker = cluster.worker(guarded(), model, engine).await;
    let gateway = cluster.gateway(gateway::Config::default());
    let mut socket = testkit::client::Socket::connect(gateway.address).await;
    socket.send(create("Hi", json!({}))).await;
    let call = soon(stage.next_call()).await;
    // Where a key can begin, at the border of a word, depends on what was shown.
    call.say("the word MAKIA").await;
    call.fail(Error::new(Fault::Unreachable, "The model server broke off.", "test")).await;
    let call = soon(stage.next_call()).await;
    assert_eq!(call.call.prefix.as_deref(), Some("the word MAKIA"));
    call.say(&format!("{} ", key())).await;
    call.say("and AKIAIOS").await;
    call.output(Output::Finish(Finish::Length)).await;
    let events = soon(socket.turn()).await;
    assert_eq!(text(&events), format!("the word MAKIA{} and AKIAIOS", key()), "within a word it is no key");
    assert_eq!(last(&events)["incomplete_details"]["reason"], "max_output_tokens");
}

#[tokio::test]
async fn what_is_shown_counts_for_the_longest_output() {
    let config = worker::Config { max_output_bytes: 64, ..guarded() };
    let scene = Scene::with(broker::memory::broker(), gateway::Config::default(), config).await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    // Four times as much as is allowed was said, and a quarter of that is shown.
    for _ in 0..2 {
        call.say(&format!("{}\n{}", "\x1b[38;5;128m".repeat(10), "a".repeat(31))).await;
    }
    assert!(call.say("b").await);
    soon(call.aborted()).await;
    let events = soon(socket.turn()).await;
    assert_eq!(text(&events).len(), 65);
    assert_eq!(last(&events)["incomplete_details"]["reason"], "max_output_tokens");
}
