//! Scenes in a cluster in one process: turns, lanes, resume, slow readers.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Method, Request, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use testkit::{
    client::{EventStream, Http, sequence, text},
    scene::{Scene, body, create},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::task::TaskTracker;

#[tokio::test]
async fn a_turn_on_a_socket() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    scene.answer(&["Hel", "lo"]).await;
    let events = socket.turn().await;
    assert_eq!(text(&events), "Hello");
    assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>());
    let last = events.last().unwrap();
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "Hello", "{last}");
    assert_eq!(last["response"]["status"], "completed");
}

#[tokio::test]
async fn lanes_run_in_parallel_and_a_lane_in_order() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    for (lane, input) in [("a", "1"), ("a", "2"), ("b", "3")] {
        socket.send(create(input, json!({"stream_id": lane}))).await;
    }
    // The first of each lane run; the second of lane a waits.
    let (first, second) = (scene.stage.next_call().await, scene.stage.next_call().await);
    let mut inputs = [&first, &second].map(|call| serde_json::to_string(&call.call.request.input).unwrap());
    inputs.sort();
    assert!(inputs[0].contains('1') && inputs[1].contains('3'), "{inputs:?}");
    first.finish().await;
    second.finish().await;
    let (one, two) = (socket.turn().await, socket.turn().await);
    scene.answer(&[]).await;
    let three = socket.turn().await;
    assert_eq!(three.last().unwrap()["stream_id"], "a");
    assert!(one.iter().chain(&two).all(|event| event["stream_id"].is_string()));
}

/// Reads until the text so far is `wanted`.
async fn read_until(stream: &mut EventStream, wanted: &str) -> Vec<serde_json::Value> {
    let mut events = Vec::new();
    while text(&events) != wanted {
        events.push(stream.next().await.unwrap());
    }
    events
}

#[tokio::test]
async fn a_stream_resumes_at_another_gateway() {
    let scene = Scene::new().await;
    let other = scene.cluster.gateway(gateway::Config::default());
    let mut stream =
        scene.http().events(Method::POST, "/v1/responses", Some(body("Hi", json!({"stream": true})))).await;
    let call = scene.stage.next_call().await;
    call.say("one ").await;
    let mut events = read_until(&mut stream, "one ").await;
    scene.gateway.running.kill();
    drop(stream);
    call.say("two ").await;
    call.say("three").await;
    call.finish().await;
    let id = events[0]["response"]["id"].as_str().unwrap();
    let after = events.last().unwrap()["sequence_number"].as_u64().unwrap();
    let path = format!("/v1/responses/{id}?stream=true&starting_after={after}");
    events.extend(Http::new(other.address).events(Method::GET, &path, None).await.rest().await);
    assert_eq!(text(&events), "one two three");
    assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>());
}

/// As a browser's `EventSource` does it: by ids, without knowing what they mean.
#[tokio::test]
async fn a_stream_resumes_by_last_event_id() {
    let scene = Scene::new().await;
    let http = scene.http();
    let (_, response) =
        http.json(Method::POST, "/v1/responses", Some(body("Hi", json!({"background": true})))).await;
    scene.answer(&["one ", "two ", "three"]).await;
    let path = format!("/v1/responses/{}?stream=true", response["id"].as_str().unwrap());
    let accept = ("accept", "text/event-stream");
    let get = async |headers: &[(&str, &str)]| {
        let response = http.send(Method::GET, &path, headers, None).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    };
    let (_, whole) = get(&[accept]).await;
    let ids: Vec<&str> = whole.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let numbers: Vec<String> = (0..ids.len()).map(|number| number.to_string()).collect();
    assert_eq!(ids, numbers);
    for id in &ids[..ids.len() - 1] {
        let (_, seen) = whole.split_once(&format!("id: {id}\n")).unwrap();
        let (_, rest) = seen.split_once("\n\n").unwrap();
        assert_eq!(get(&[accept, ("last-event-id", id)]).await, (200, rest.to_owned()));
    }
    // It would come back for ever.
    assert_eq!(get(&[accept, ("last-event-id", ids[ids.len() - 1])]).await, (204, String::new()));
    assert_eq!(get(&[accept, ("last-event-id", "4x")]).await.0, 400);
    // Who does not ask gets none.
    assert!(!get(&[]).await.1.contains("id: "));
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_nothing_and_misses_nothing() {
    let config = worker::Config { max_output_bytes: usize::MAX, ..worker::Config::default() };
    let scene = Scene::with(broker::memory::broker(), gateway::Config::default(), config).await;
    let mut idle = scene.socket().await;
    idle.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    // Far more than the socket's buffers and the gateway's window take: it has to go through the log.
    let piece = "x".repeat(1000);
    for number in 0..8000 {
        assert!(call.say(&format!("{number} {piece} ")).await, "the worker is not held up");
    }
    call.finish().await;
    // Meanwhile others are served.
    let mut busy = scene.socket().await;
    busy.send(create("Hi", json!({}))).await;
    scene.answer(&["quick"]).await;
    assert_eq!(text(&busy.turn().await), "quick");
    // And nothing was lost: deltas that waited were merged, and say so.
    let events = idle.turn().await;
    let whole: String = (0..8000).map(|number| format!("{number} {piece} ")).collect();
    assert!(text(&events) == whole);
    let mut next = 0;
    for event in &events {
        let last = event["sequence_number"].as_u64().unwrap();
        assert_eq!(event["narthex:merged_from"].as_u64().unwrap_or(last), next);
        next = last + 1;
    }
    assert!(events.len() < 8000, "{} events", events.len());
}

/// RFC 8441: a WebSocket in one stream of an HTTP/2 connection.
#[tokio::test]
async fn a_turn_on_a_socket_over_http_2() {
    let scene = Scene::new().await;
    let tcp = tokio::net::TcpStream::connect(scene.gateway.address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await.unwrap();
    TaskTracker::new().spawn(connection);
    // The server's settings say that it knows the extension; a first request waits for them.
    let get = Request::get("http://x/v1/models").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(client.send_request(get).await.unwrap().status(), 200);
    let connect = Request::connect("http://x/v1/responses")
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .body(Empty::new())
        .unwrap();
    let mut response = client.send_request(connect).await.unwrap();
    assert_eq!(response.status(), 200);
    let io = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Client, None).await;
    socket.send(Message::text(create("Hi", json!({})).to_string())).await.unwrap();
    scene.answer(&["Hello"]).await;
    loop {
        let message = socket.next().await.unwrap().unwrap().into_text().unwrap();
        if message.contains("response.completed") {
            assert!(message.contains("Hello"));
            break;
        }
    }
}
