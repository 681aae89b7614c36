//! Scenes of users who ask for more than is theirs, at whichever gateway: what counts, and what is given back.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use std::time::Duration;

use broker::{
    Broker,
    account::{Account, Taken, minute},
    memory::{self, Memory},
};
use engine::{Output, Usage};
use gateway::{Allowance, Config, Quotas};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{
    client::{Http, Socket},
    redis::Server,
    scene::{Scene, body, create},
};
use tokio::time::timeout;

fn config(user: Allowance) -> Config {
    Config { quotas: Quotas { user, ..Quotas::default() }, ..Config::default() }
}

async fn on(broker: Broker, user: Allowance) -> Scene {
    Scene::with(broker, config(user), worker::Config::default()).await
}

async fn quotas(user: Allowance) -> Scene {
    on(memory::broker(), user).await
}

fn in_flight(in_flight: usize) -> Allowance {
    Allowance { in_flight, ..Allowance::default() }
}

async fn begin(http: &Http, input: &str) -> (u16, Value) {
    http.json(Method::POST, "/v1/responses", Some(body(input, json!({"background": true})))).await
}

async fn cancel(http: &Http, response: &Value) {
    let path = format!("/v1/responses/{}/cancel", response["id"].as_str().unwrap());
    assert_eq!(http.json(Method::POST, &path, None).await.0, 200);
}

#[tokio::test]
async fn what_is_left_is_told_and_the_limit_holds_at_every_gateway() {
    let user = Allowance { requests_per_minute: 2, tokens_per_minute: 1_000, in_flight: 0 };
    let scene = quotas(user).await;
    let other = scene.cluster.gateway(config(user));
    let ask = async |address, left: &str| {
        let http = Http::new(address);
        let asked = http.send(Method::POST, "/v1/responses", &[], Some(body("Hi", json!({}))));
        let (answer, ()) = tokio::join!(asked, scene.answer(&["Hello"]));
        assert_eq!(answer.status(), StatusCode::OK);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("x-ratelimit-limit-requests"), header("x-ratelimit-remaining-requests")),
            ("2".into(), left.into())
        );
        assert_eq!(header("x-ratelimit-limit-tokens"), "1000");
        assert!(header("x-ratelimit-reset-requests").ends_with('s'));
    };
    ask(scene.gateway.address, "1").await;
    ask(other.address, "0").await;
    for address in [scene.gateway.address, other.address] {
        let http = Http::new(address);
        let refused = http.send(Method::POST, "/v1/responses", &[], Some(body("Hi", json!({})))).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        // Both count for a minute, and half of what they count has to be gone.
        assert!((20..=90).contains(&wait), "{wait}");
        let header = |name: &str| refused.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("x-ratelimit-limit-requests"), header("x-ratelimit-remaining-requests")),
            ("2".into(), "0".into())
        );
        assert_eq!(header("x-ratelimit-limit-tokens"), "1000");
        let mut socket = Socket::connect(address).await;
        socket.send(create("Hi", json!({}))).await;
        let event = socket.next().await;
        assert_eq!((&event["status"], &event["error"]["type"]), (&json!(429), &json!("too_many_requests")));
    }
}

#[tokio::test]
async fn a_response_is_in_flight_until_it_has_ended() {
    let scene = quotas(in_flight(1)).await;
    let http = scene.http();
    for round in 0..3 {
        // Whoever ends it says so after its end is told.
        let begun = async {
            loop {
                let (status, response) = begin(&http, "Hi").await;
                if status == 200 {
                    return response;
                }
                assert_eq!((status, &response["error"]["code"]), (429, &json!("rate_limit_exceeded")));
            }
        };
        let response = timeout(Duration::from_secs(10), begun).await.unwrap();
        let call = scene.stage.next_call().await;
        assert_eq!(begin(&http, "Hi").await.0, 429);
        if round == 1 {
            cancel(&http, &response).await;
        } else {
            call.say("Hello").await;
            call.finish().await;
        }
    }
}

#[tokio::test]
async fn a_response_that_waited_is_not_in_flight_once_it_is_cancelled() {
    let scene = quotas(in_flight(1)).await;
    let http = scene.http();
    scene.worker.kill();
    for _ in 0..3 {
        let (status, response) = begin(&http, "Hi").await;
        assert_eq!(status, 200, "{response}");
        assert_eq!(begin(&http, "Hi").await.0, 429);
        // No worker has it, so the gateway itself ends it and gives the place back.
        cancel(&http, &response).await;
    }
}

#[tokio::test]
async fn a_response_that_could_not_begin_is_not_in_flight() {
    // One of these jobs fits into the queue, and no second.
    let queue = memory::Config { max_queue_bytes: 20_000, ..memory::Config::default() };
    let scene = on(Memory::new(queue).broker(), in_flight(2)).await;
    let http = scene.http();
    scene.worker.kill();
    let long = "x".repeat(15_000);
    let (status, first) = begin(&http, &long).await;
    assert_eq!(status, 200, "{first}");
    for _ in 0..3 {
        let (status, refused) = begin(&http, &long).await;
        assert_eq!((status, &refused["error"]["code"]), (503, &json!("broker_unavailable")));
    }
    // Its place is still free for one that can.
    let (status, response) = begin(&http, "Hi").await;
    assert_eq!(status, 200, "{response}");
    let (status, refused) = begin(&http, "Hi").await;
    assert_eq!((status, &refused["error"]["code"]), (429, &json!("rate_limit_exceeded")));
}

/// Until the store has counted so many tokens of the one user there is.
async fn counted(broker: &Broker, tokens: i64) {
    let account = Account::of_user("default", "anonymous");
    let look = async |minute| account.take(&*broker.store, Taken::Tokens, minute, 0).await.unwrap();
    let counted = async {
        loop {
            let (minute, _) = minute();
            let sum = look(minute).await + look(minute - 1).await;
            if sum >= tokens {
                return sum;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(timeout(Duration::from_secs(10), counted).await.unwrap(), tokens);
}

#[tokio::test]
async fn what_a_worker_says_was_used_is_not_there_any_more() {
    let server = Server::start(&[]).await;
    let redis = broker_redis::Config { urls: vec![server.url()], ..broker_redis::Config::default() };
    let redis = broker_redis::connect(redis).await.unwrap();
    for broker in [memory::broker(), redis] {
        let user = Allowance { tokens_per_minute: 100, ..Allowance::default() };
        let scene = on(broker, user).await;
        let mut socket = scene.socket().await;
        socket.send(create("Hi", json!({}))).await;
        let call = scene.stage.next_call().await;
        call.say("Hello").await;
        let usage = Usage { input_tokens: 900, output_tokens: 100, ..Usage::default() };
        call.output(Output::Usage(usage)).await;
        call.finish().await;
        assert_eq!(socket.turn().await.last().unwrap()["response"]["usage"]["total_tokens"], 1_000);
        // It is counted right after its end is told.
        counted(scene.cluster.broker(), 1_000).await;

        socket.send(create("Hi", json!({}))).await;
        let event = socket.next().await;
        assert_eq!((&event["status"], &event["error"]["code"]), (&json!(429), &json!("rate_limit_exceeded")));
        assert!(event["error"]["message"].as_str().unwrap().contains("100 tokens a minute"), "{event}");
        let other = scene.cluster.gateway(config(user));
        let request = Some(body("Hi", json!({})));
        let refused = Http::new(other.address).send(Method::POST, "/v1/responses", &[], request).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let header = |name: &str| refused.headers()[name].to_str().unwrap().to_owned();
        let left = [header("x-ratelimit-limit-tokens"), header("x-ratelimit-remaining-tokens")];
        assert_eq!(left, ["100", "0"]);
        // Nine tenths of it have to be forgotten first.
        let wait: u64 = header("retry-after").parse().unwrap();
        assert!((40..=120).contains(&wait), "{wait}");
    }
}
