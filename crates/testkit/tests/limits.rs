//! Scenes of clients that take too much: each hears why, and the others notice nothing.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gateway::{Config, ForwardedHeader, Limits, Origins, Proxies};
use http_body_util::BodyExt as _;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{
    client::{Socket, text},
    scene::{Scene, body, create},
};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        self, Message,
        protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        },
    },
};

async fn scene(limits: Limits) -> Scene {
    with(Config { limits, ..Config::default() }).await
}

async fn with(config: Config) -> Scene {
    Scene::with(broker::memory::broker(), config, worker::Config::default()).await
}

async fn code(socket: &mut Socket) -> String {
    socket.next().await["error"]["code"].as_str().unwrap().to_owned()
}

async fn closed(socket: &mut Socket) -> Option<u16> {
    timeout(Duration::from_secs(10), socket.closed()).await.unwrap()
}

/// Somebody else's turn, which works.
async fn works(scene: &Scene) {
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    scene.answer(&["Hello"]).await;
    assert_eq!(text(&socket.turn().await), "Hello");
}

/// The status and the headers of an upgrade that is refused.
async fn refused(scene: &Scene) -> hyper::http::Response<Option<Vec<u8>>> {
    let url = format!("ws://{}/v1/responses", scene.gateway.address);
    match connect_async(url).await {
        Err(tungstenite::Error::Http(response)) => *response,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn haste_is_told_and_a_flood_ends_the_connection() {
    let scene = scene(Limits { messages_per_second: 1, messages_burst: 20, ..Limits::default() }).await;
    let mut socket = scene.socket().await;
    for _ in 0..21 {
        socket.send(json!({"type": "response.sing"})).await;
    }
    for _ in 0..20 {
        assert_ne!(code(&mut socket).await, "message_rate_limit_exceeded");
    }
    let event = socket.next().await;
    assert_eq!((&event["status"], &event["error"]["type"]), (&json!(429), &json!("too_many_requests")));
    assert_eq!(event["error"]["code"], "message_rate_limit_exceeded");
    for _ in 0..40 {
        socket.send(json!({"type": "response.sing"})).await;
    }
    assert_eq!(closed(&mut socket).await, Some(1008));
    works(&scene).await;
}

#[tokio::test]
async fn pings_are_messages_too() {
    let scene = scene(Limits { messages_per_second: 1, messages_burst: 20, ..Limits::default() }).await;
    let mut socket = scene.socket().await;
    for _ in 0..60 {
        socket.send_raw(Message::Ping(tungstenite::Bytes::new())).await;
    }
    assert_eq!(closed(&mut socket).await, Some(1008));
}

#[tokio::test]
async fn who_does_not_read_the_answers_is_not_heard_further() {
    let limits = Limits { messages_per_second: 0, max_connection_bytes: usize::MAX, ..Limits::default() };
    let scene = scene(limits).await;
    let (mut socket, _) =
        connect_async(format!("ws://{}/v1/responses", scene.gateway.address)).await.unwrap();
    // Each of them is answered with an error about as long.
    let nonsense = Message::text("x".repeat(500));
    let mut sent = 0;
    while let Ok(said) = timeout(Duration::from_secs(2), socket.send(nonsense.clone())).await {
        said.unwrap();
        sent += 1;
        assert!(sent < 200_000, "100 MB were taken in, and their answers wait somewhere");
    }
    works(&scene).await;
    // All that was taken is answered, once somebody reads.
    for _ in 0..100 {
        let answer = timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap();
        assert!(answer.to_text().unwrap().contains("invalid_json"));
    }
}

#[tokio::test]
async fn who_has_sent_enough_opens_a_new_connection() {
    let scene = scene(Limits { max_connection_bytes: 5_000, ..Limits::default() }).await;
    let mut socket = scene.socket().await;
    socket.send(create(&"x".repeat(4_000), json!({}))).await;
    let call = scene.stage.next_call().await;
    socket.send(create(&"x".repeat(4_000), json!({"stream_id": "other"}))).await;
    // What runs may end.
    call.say("Hello").await;
    call.finish().await;
    let is_refusal = |event: &Value| event["error"]["code"] == "websocket_connection_limit_reached";
    let is_end = |event: &Value| event["type"] == "response.completed";
    let mut events: Vec<Value> = Vec::new();
    // Which of the two comes first is not said.
    while !(events.iter().any(is_refusal) && events.iter().any(is_end)) {
        events.push(timeout(Duration::from_secs(10), socket.next()).await.unwrap());
    }
    assert_eq!(text(&events), "Hello");
    assert_eq!(closed(&mut socket).await, Some(1000));
    works(&scene).await;
}

#[tokio::test]
async fn a_message_in_countless_pieces_is_too_large() {
    let scene = with(Config { max_message_bytes: 20_000, ..Config::default() }).await;
    let (mut socket, _) =
        connect_async(format!("ws://{}/v1/responses", scene.gateway.address)).await.unwrap();
    let piece = |code| Message::Frame(Frame::message(b"x".as_slice(), OpCode::Data(code), false));
    socket.feed(piece(Data::Text)).await.unwrap();
    let flood = async {
        // 17,000 bytes: not too many, but for their heads.
        for number in 0..17_000 {
            // What comes between them changes nothing.
            if number % 1_000 == 0 {
                let _ = socket.feed(Message::Pong(tungstenite::Bytes::new())).await;
            }
            if socket.feed(piece(Data::Continue)).await.is_err() {
                break;
            }
        }
        let _ = socket.flush().await;
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(10), flood).await.unwrap(), Some(1009));
}

#[tokio::test]
async fn pings_between_messages_are_none_of_them() {
    let limits = Limits { messages_per_second: 0, ..Limits::default() };
    let scene = with(Config { max_message_bytes: 1_000, limits, ..Config::default() }).await;
    let mut socket = scene.socket().await;
    // Of their own they are longer than any message may be.
    for _ in 0..2_000 {
        socket.send_raw(Message::Ping(vec![0; 100].into())).await;
    }
    socket.send(json!({"type": "response.sing"})).await;
    assert_eq!(code(&mut socket).await, "invalid_value");
}

#[tokio::test]
async fn one_connection_too_many_is_told_when_to_try_again() {
    let own = scene(Limits { max_connections_per_address: 2, ..Limits::default() }).await;
    let (first, _second) = (own.socket().await, own.socket().await);
    let response = refused(&own).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(response.headers().contains_key("retry-after"));
    let body: Value = serde_json::from_slice(response.body().as_ref().unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "too_many_connections");
    // Its place is free again as soon as the gateway knows that it has gone.
    drop(first);
    let freed =
        async { while connect_async(format!("ws://{}/v1/responses", own.gateway.address)).await.is_err() {} };
    timeout(Duration::from_secs(10), freed).await.unwrap();

    let full = scene(Limits { max_connections: 10, ..Limits::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.push(TcpStream::connect(full.gateway.address).await.unwrap());
    }
    let response = refused(&full).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(response.headers()["connection"], "close");
}

#[tokio::test]
async fn pages_call_only_where_they_may() {
    let origins = Origins(vec!["https://app.example.com".into()]);
    let scene = with(Config { origins, ..Config::default() }).await;
    let http = scene.http();
    let page = ("origin", "https://app.example.com");
    let wish = ("access-control-request-method", "POST");
    let headers = ("access-control-request-headers", "authorization, x-stainless-lang");
    let preflight = http.send(Method::OPTIONS, "/v1/responses", &[page, wish, headers], None).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()["access-control-allow-origin"], page.1);
    assert_eq!(preflight.headers()["access-control-allow-headers"], headers.1);
    let models = http.send(Method::GET, "/v1/models", &[page], None).await;
    assert_eq!(
        (models.status(), &models.headers()["access-control-allow-origin"]),
        (StatusCode::OK, &page.1.parse().unwrap())
    );

    let stranger = ("origin", "https://evil.example.com");
    for (method, more) in [(Method::OPTIONS, Some(wish)), (Method::GET, None)] {
        let sent: Vec<_> = [stranger].into_iter().chain(more).collect();
        let answer = http.send(method, "/v1/models", &sent, None).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}

/// What a proxy says of a client at `address`.
fn forwarded(address: &str) -> [(&'static str, &str); 2] {
    [("x-forwarded-for", address), ("x-forwarded-proto", "https")]
}

#[tokio::test]
async fn clients_behind_a_proxy_have_limits_of_their_own() {
    let addresses = vec!["127.0.0.0/8".parse().unwrap()];
    let scene = with(Config {
        limits: Limits { max_connections_per_address: 2, ..Limits::default() },
        proxies: Proxies { addresses, header: ForwardedHeader::XForwarded },
        ..Config::default()
    })
    .await;
    let connect = async |client| Socket::try_connect(scene.gateway.address, &forwarded(client)).await;
    let http = scene.http();
    let list =
        async |client| http.send(Method::GET, "/v1/models", &forwarded(client), None).await.status().as_u16();
    // An answer that is not over takes a place as a socket does.
    let (socket, _) = connect("192.0.2.1").await.unwrap();
    let (headers, request) = (forwarded("192.0.2.1"), Some(body("Hi", json!({"stream": true}))));
    let (answer, call) =
        tokio::join!(http.send(Method::POST, "/v1/responses", &headers, request), scene.stage.next_call());
    let (status, error) = connect("192.0.2.1").await.unwrap_err();
    assert_eq!((status, &error["error"]["code"]), (429, &json!("too_many_connections")));
    assert_eq!(list("192.0.2.1").await, 429);
    // Another client of the same proxy notices nothing.
    assert_eq!(list("192.0.2.2").await, 200);
    let (_other, _) = connect("192.0.2.2").await.unwrap();

    call.finish().await;
    answer.into_body().collect().await.unwrap();
    let freed = async { while list("192.0.2.1").await != 200 {} };
    timeout(Duration::from_secs(10), freed).await.unwrap();
    drop(socket);
    let both = async {
        loop {
            let (one, other) = (connect("192.0.2.1").await, connect("192.0.2.1").await);
            if one.is_ok() && other.is_ok() {
                break;
            }
        }
    };
    timeout(Duration::from_secs(10), both).await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_has_too_much_to_do_sends_who_asks_elsewhere() {
    let scene = Scene::new().await;
    let (mut busy, mut idle, mut quiet) = (scene.socket().await, scene.socket().await, scene.socket().await);
    busy.send(create("Hi", json!({"stream_id": "runs"}))).await;
    let call = scene.stage.next_call().await;
    scene.gateway.pressure.set(true);

    let response = refused(&scene).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    let asked = scene.http().send(Method::POST, "/v1/responses", &[], Some(body("Hi", json!({})))).await;
    assert_eq!(asked.status(), StatusCode::SERVICE_UNAVAILABLE);

    idle.send(create("Hi", json!({}))).await;
    assert_eq!(code(&mut idle).await, "overloaded");
    assert_eq!(closed(&mut idle).await, Some(1013));
    // What runs is told to its end.
    busy.send(create("Hi", json!({"stream_id": "more"}))).await;
    let mut events = Vec::new();
    while events.last().is_none_or(|event: &Value| event["type"] != "error") {
        events.push(busy.next().await);
    }
    let error = events.pop().unwrap();
    assert_eq!((&error["status"], &error["error"]["code"]), (&json!(503), &json!("overloaded")));
    assert_eq!(error["stream_id"], "more");
    call.say("Hello").await;
    call.finish().await;
    events.extend(busy.turn().await);
    assert_eq!(text(&events), "Hello");
    assert_eq!(closed(&mut busy).await, Some(1013));

    // Who asked for nothing meanwhile is still there.
    scene.gateway.pressure.set(false);
    quiet.send(create("Hi", json!({}))).await;
    scene.answer(&["Hello"]).await;
    assert_eq!(text(&quiet.turn().await), "Hello");
}
