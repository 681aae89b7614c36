//! Redis loses data, and everyone whose response it was is told: never a silent gap, never a wait without an end.

use hyper::Method;
use serde_json::{Value, json};
use testkit::client::{Http, Socket, sequence, text};

use crate::support::{Cluster, MODEL, PATIENCE, body, first_events, soon};

/// A response that takes some seconds.
const PROMPT: &str = "Tell me something. [[tokens=400 delay_ms=20]]";

fn assert_lost(events: &[Value]) {
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["error"]["code"], "stream_lost");
    assert_eq!(last["response"]["model"], MODEL);
    assert_eq!(sequence(events), (0..events.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_without_persistence_costs_its_streams_but_nobody_waits() {
    let mut cluster = Cluster::with_redis(&["--appendonly", "no"]).await;
    let gateway = cluster.gateway(&[]);
    let _worker = cluster.worker();
    let http = Http::new(gateway.public());
    let mut stream = http.events(Method::POST, "/v1/responses", Some(body(PROMPT))).await;
    let mut events = first_events(&mut stream, 15).await;
    let mut socket = Socket::connect(gateway.public()).await;
    socket.send(json!({"type": "response.create", "model": MODEL, "input": PROMPT})).await;
    while socket.next().await["type"] != "response.output_text.delta" {}
    cluster.redis.kill();
    cluster.redis.start_again().await;
    events.extend(soon(stream.rest()).await);
    assert_lost(&events);
    let told = soon(socket.turn()).await;
    assert_eq!(told.last().unwrap()["response"]["error"]["code"], "stream_lost");
    // Nobody pays for what nobody gets, and what comes next is as it should be.
    cluster.model_server.wait_until(|stats| stats.running == 0, PATIENCE).await.unwrap();
    let short = body("Tell me something. [[tokens=10]]");
    let events = soon(http.events(Method::POST, "/v1/responses", Some(short)).await.rest()).await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_of_a_stream_that_lost_its_tail_ends_it() {
    let mut cluster = Cluster::start().await;
    let gateway = cluster.gateway(&[]);
    let _worker = cluster.worker();
    let http = Http::new(gateway.public());
    let mut stream = http.events(Method::POST, "/v1/responses", Some(body(PROMPT))).await;
    let mut events = first_events(&mut stream, 40).await;
    cluster.redis.kill();
    cluster.redis.lose(4_000);
    cluster.redis.start_again().await;
    events.extend(soon(stream.rest()).await);
    assert_lost(&events);
    let path = format!("/v1/responses/{}", events[0]["response"]["id"].as_str().unwrap());
    cluster.model_server.wait_until(|stats| stats.running == 0, PATIENCE).await.unwrap();
    // The log says the same to whoever comes later, and has less of the text.
    let replayed = soon(http.events(Method::GET, &format!("{path}?stream=true"), None).await.rest()).await;
    assert_lost(&replayed);
    assert!(text(&events).starts_with(&text(&replayed)) && text(&replayed).len() < text(&events).len());
    let stored = loop {
        let (_, stored) = http.json(Method::GET, &path, None).await;
        if stored["status"] != "in_progress" {
            break stored;
        }
    };
    assert_eq!((&stored["status"], &stored["error"]["code"]), (&json!("failed"), &json!("stream_lost")));
    // Who heard more of it than there is left is told so.
    let after = events.len() - 1;
    let (status, refusal) =
        http.json(Method::GET, &format!("{path}?stream=true&starting_after={after}"), None).await;
    assert_eq!((status, &refusal["error"]["param"]), (400, &json!("starting_after")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_worker_writes_in_place_of_a_lost_tail_is_not_told_to_those_who_heard_the_first() {
    let mut cluster = Cluster::start().await;
    let gateway = cluster.gateway(&[]);
    let first = cluster.prefilling_worker();
    let http = Http::new(gateway.public());
    let mut stream = http.events(Method::POST, "/v1/responses", Some(body(PROMPT))).await;
    let mut events = first_events(&mut stream, 40).await;
    cluster.redis.kill();
    first.kill();
    cluster.redis.lose(4_000);
    cluster.redis.start_again().await;
    let _second = cluster.prefilling_worker();
    events.extend(soon(stream.rest()).await);
    assert_lost(&events);
    // Whoever heard nothing yet gets all of it.
    let path = format!("/v1/responses/{}?stream=true", events[0]["response"]["id"].as_str().unwrap());
    let whole = soon(http.events(Method::GET, &path, None).await.rest()).await;
    assert_eq!(whole.last().unwrap()["type"], "response.completed");
    assert_eq!(sequence(&whole), (0..whole.len() as u64).collect::<Vec<_>>());
}
