//! Scenes of a model that several servers serve.
#![expect(clippy::expect_used, reason = "the lint knows tests, but not their helpers")]

use std::{sync::Arc, time::Duration};

use engine::{Error, Fault, Output, Usage};
use serde_json::{Value, json};
use testkit::{
    client::{Socket, sequence, text},
    cluster::{Cluster, Running, RunningGateway, model},
    puppet::{Playing, Stage, puppet},
    scene::create,
};
use worker::{Continuation, ModelConfig, Served, Timeouts};

/// Nothing in these scenes may take longer.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it happens soon")
}

/// One worker with two servers of the same model.
struct Scene {
    gateway: RunningGateway,
    _worker: Running,
    stages: [Arc<Stage>; 2],
}

impl Scene {
    async fn new(configs: [ModelConfig; 2]) -> Self {
        let cluster = Cluster::new(broker::memory::broker());
        let ((first, first_stage), (second, second_stage)) = (puppet(), puppet());
        let [first_config, second_config] = configs;
        let served = vec![
            Served { config: first_config, engine: first },
            Served { config: second_config, engine: second },
        ];
        let worker = cluster.worker_of(worker::Config::default(), served).await;
        let gateway = cluster.gateway(gateway::Config::default());
        Self { gateway, _worker: worker, stages: [first_stage, second_stage] }
    }

    async fn ask(&self, more: Value) -> Socket {
        let mut socket = Socket::connect(self.gateway.address).await;
        socket.send(create("Hi", more)).await;
        socket
    }

    /// The next call of whichever server.
    async fn any_call(&self) -> Playing {
        let [first, second] = &self.stages;
        soon(async {
            tokio::select! {
                call = first.next_call() => call,
                call = second.next_call() => call,
            }
        })
        .await
    }

    async fn call(&self, server: usize) -> Playing {
        soon(self.stages[server].next_call()).await
    }
}

fn continuing() -> ModelConfig {
    ModelConfig { continuation: Continuation::Prefill, ..model() }
}

fn broken() -> Error {
    Error::new(Fault::Unreachable, "The model server broke off.", "test")
}

fn usage(input_tokens: u64, output_tokens: u64) -> Output {
    Output::Usage(Usage { input_tokens, output_tokens, ..Usage::default() })
}

fn whole(events: &[Value]) -> &Value {
    assert_eq!(sequence(events), (0..events.len() as u64).collect::<Vec<_>>());
    &events.last().expect("an end")["response"]
}

#[tokio::test]
async fn what_one_server_broke_off_another_carries_on() {
    // The first knows the model by another name, and cannot carry on itself; the second can.
    let first = ModelConfig { upstream_name: "first-name".to_owned(), ..model() };
    let scene = Scene::new([first, continuing()]).await;
    let mut socket = scene.ask(json!({"max_output_tokens": 20})).await;
    let call = scene.call(0).await;
    assert_eq!(call.call.request.model, "first-name");
    for word in ["One ", "two ", "three "] {
        call.say(word).await;
    }
    // What was said is on its way to the client before the server fails.
    let mut events = Vec::new();
    while text(&events) != "One two three " {
        events.push(soon(socket.next()).await);
    }
    call.fail(broken()).await;
    let call = scene.call(1).await;
    assert_eq!(call.call.prefix.as_deref(), Some("One two three "));
    assert_eq!(call.call.request.model, testkit::cluster::MODEL);
    assert_eq!(call.call.request.max_output_tokens, Some(17), "what is left of it");
    call.say("four").await;
    call.output(usage(20 + 3, 1)).await;
    call.finish().await;
    events.extend(soon(socket.turn()).await);
    let response = whole(&events);
    assert_eq!(text(&events), "One two three four");
    assert_eq!(response["status"], "completed");
    assert_eq!(response["max_output_tokens"], 20);
    assert_eq!(response["usage"]["input_tokens"], 20);
    assert_eq!(response["usage"]["output_tokens"], 4);
}

#[tokio::test]
async fn a_silent_server_is_left_for_another() {
    let timeouts = Timeouts { first_token: Duration::from_millis(100), ..Timeouts::default() };
    let scene = Scene::new([ModelConfig { timeouts, ..model() }, model()]).await;
    let mut socket = scene.ask(json!({})).await;
    let silent = scene.call(0).await;
    let call = scene.call(1).await;
    soon(silent.aborted()).await;
    call.say("Hello").await;
    call.finish().await;
    assert_eq!(text(&soon(socket.turn()).await), "Hello");
}

#[tokio::test]
async fn a_text_that_no_server_can_carry_on_fails_as_what_broke_it() {
    let scene = Scene::new([model(), model()]).await;
    let mut socket = scene.ask(json!({})).await;
    let call = scene.call(0).await;
    call.say("Hello").await;
    call.fail(broken()).await;
    let events = soon(socket.turn()).await;
    let last = events.last().expect("an end");
    assert_eq!(last["response"]["error"]["code"], "upstream_unreachable");
}

#[tokio::test]
async fn a_text_as_long_as_was_asked_for_is_not_carried_on() {
    let scene = Scene::new([continuing(), continuing()]).await;
    let mut socket = scene.ask(json!({"max_output_tokens": 16})).await;
    let call = scene.call(0).await;
    for _ in 0..16 {
        call.say("word ").await;
    }
    call.fail(broken()).await;
    let events = soon(socket.turn()).await;
    let response = whole(&events);
    assert_eq!(response["status"], "incomplete");
    assert_eq!(response["incomplete_details"]["reason"], "max_output_tokens");
}

#[tokio::test]
async fn responses_go_where_there_is_room() {
    let small = ModelConfig { concurrency: 1, ..model() };
    let scene = Scene::new([ModelConfig { concurrency: 2, ..model() }, small]).await;
    let mut sockets = Vec::new();
    let mut calls = Vec::new();
    for server in [0, 0, 1] {
        sockets.push(scene.ask(json!({})).await);
        calls.push(scene.call(server).await);
    }
    sockets.push(scene.ask(json!({})).await);
    // All three places are taken; the fourth response waits for the first that is free.
    calls.remove(1).finish().await;
    calls.push(scene.call(0).await);
    for call in calls {
        call.say("Hello").await;
        call.finish().await;
    }
    for mut socket in sockets {
        let events = soon(socket.turn()).await;
        assert_eq!(events.last().expect("an end")["response"]["status"], "completed");
    }
}

#[tokio::test]
async fn a_call_that_got_on_before_it_broke_off_does_not_count_against_the_next() {
    let scene = Scene::new([continuing(), continuing()]).await;
    let mut socket = scene.ask(json!({})).await;
    let (mut calls, mut expected) = (0, String::new());
    // More often than a server may fail in a row.
    for word in ["Once ", "upon ", "a ", "time ", "there ", "was "] {
        let call = scene.any_call().await;
        calls += 1;
        assert_eq!(call.call.prefix.as_deref(), (!expected.is_empty()).then_some(expected.as_str()));
        call.say(word).await;
        expected += word;
        call.fail(broken()).await;
    }
    let call = scene.any_call().await;
    call.say("light.").await;
    call.finish().await;
    let events = soon(socket.turn()).await;
    assert_eq!((calls, text(&events)), (6, expected + "light."));
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

#[tokio::test]
async fn calls_that_all_break_off_come_to_an_end() {
    let scene = Scene::new([continuing(), continuing()]).await;
    let mut socket = scene.ask(json!({})).await;
    let (mut calls, turn) = (0, socket.turn());
    let mut turn = std::pin::pin!(turn);
    let events = loop {
        tokio::select! {
            events = &mut turn => break events,
            call = scene.any_call() => {
                calls += 1;
                call.say("and ").await;
                call.fail(broken()).await;
            }
        }
    };
    assert_eq!(events.last().unwrap()["type"], "response.failed");
    assert!((10..40).contains(&calls), "{calls} calls");
}
