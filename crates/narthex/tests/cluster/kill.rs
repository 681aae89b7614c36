//! A gateway dies in the middle of a stream, and its client goes on at the other.

use hyper::Method;
use serde_json::Value;
use testkit::client::{Http, sequence, text};

use crate::support::{Cluster, body};

const TOKENS: u64 = 60;

/// How many gateways are killed: `SEEDS=1000 cargo test --test cluster` for the long form.
fn seeds() -> u64 {
    std::env::var_os("SEEDS").and_then(|seeds| seeds.to_str()?.parse().ok()).unwrap_or(100)
}

/// All of the response's events, although gateway A is killed after the first `cut` of them.
async fn interrupted(cluster: &Cluster, survivor: &Http, prompt: &str, cut: usize) -> Vec<Value> {
    let victim = cluster.gateway(&[]);
    let mut stream =
        Http::new(victim.public()).events(Method::POST, "/v1/responses", Some(body(prompt))).await;
    let mut events = Vec::new();
    while events.len() < cut {
        events.push(stream.next().await.unwrap());
    }
    victim.kill();
    // What was under way to the client still counts.
    events.extend(stream.rest().await);
    let id = events[0]["response"]["id"].as_str().unwrap().to_owned();
    let after = events.last().unwrap()["sequence_number"].as_u64().unwrap();
    let path = format!("/v1/responses/{id}?stream=true&starting_after={after}");
    events.extend(survivor.events(Method::GET, &path, None).await.rest().await);
    events
}

/// Gateways die, one after the other. Says what that came to.
async fn gateways_killed(cluster: &Cluster, seeds: u64) -> String {
    let _workers = [cluster.worker(), cluster.worker()];
    let survivor = cluster.gateway(&[]);
    let http = Http::new(survivor.public());
    let (mut whole, mut tokens) = (0, 0);
    for seed in 0..seeds {
        let prompt = format!("Tell me something. [[tokens={TOKENS} delay_ms=1 seed={seed}]]");
        let undisturbed = http.events(Method::POST, "/v1/responses", Some(body(&prompt))).await.rest().await;
        // Anywhere between the first event and the last but one.
        let cut = 1 + (seed as usize * 37) % (undisturbed.len() - 2);
        let events = interrupted(cluster, &http, &prompt, cut).await;
        assert_eq!(text(&events), text(&undisturbed), "seed {seed}");
        assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>(), "seed {seed}");
        let last = &events.last().unwrap()["response"];
        assert_eq!(last["output"][0]["content"][0]["text"], text(&events), "seed {seed}");
        whole += 1;
        tokens += TOKENS;
    }
    format!(
        "{whole} gateways killed in the middle of a stream: {tokens} tokens, 0 lost, 0 repeated, 0 out of order"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_costs_no_token() {
    println!("{}", gateways_killed(&Cluster::start().await, seeds()).await);
}

/// As often as takes a few seconds: what is different about it is how another gateway finds the stream.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_a_killed_gateway_costs_no_token() {
    println!("{}", gateways_killed(&Cluster::on_kafka().await, seeds().min(15)).await);
}

/// A stream whose only worker meets `fate` after a few tokens, while another one waits for work.
async fn taken_over(cluster: &Cluster, fate: &str) -> Vec<Value> {
    let gateway = cluster.gateway(&[]);
    let first = cluster.prefilling_worker();
    let http = Http::new(gateway.public());
    let prompt = format!("Tell me something. [[tokens={TOKENS} delay_ms=20]]");
    let mut stream = http.events(Method::POST, "/v1/responses", Some(body(&prompt))).await;
    let mut events = Vec::new();
    while events.len() < 15 {
        events.push(stream.next().await.unwrap());
    }
    let _second = cluster.prefilling_worker();
    first.signal(fate);
    events.extend(stream.rest().await);
    // It wakes up late, if it can, and must not be heard.
    first.signal("CONT");
    let id = events[0]["response"]["id"].as_str().unwrap();
    let path = format!("/v1/responses/{id}?stream=true");
    let replayed = http.events(Method::GET, &path, None).await.rest().await;
    assert_eq!(replayed, events);
    let undisturbed = http.events(Method::POST, "/v1/responses", Some(body(&prompt))).await.rest().await;
    assert_eq!(text(&events), text(&undisturbed));
    assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>());
    // The second worker's server read the first one's text: that is output, and told once.
    let usage = |events: &[Value]| events.last().unwrap()["response"]["usage"].clone();
    assert_eq!(usage(&events), usage(&undisturbed));
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_costs_no_token() {
    let events = taken_over(&Cluster::start().await, "KILL").await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_worker_costs_no_token_and_cannot_write_when_it_wakes() {
    let events = taken_over(&Cluster::start().await, "STOP").await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_a_killed_worker_costs_no_token() {
    let events = taken_over(&Cluster::on_kafka().await, "KILL").await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_a_frozen_worker_costs_no_token_and_cannot_write_when_it_wakes() {
    let events = taken_over(&Cluster::on_kafka().await, "STOP").await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}
