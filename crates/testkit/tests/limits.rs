//! Scenes of clients that take too much: each hears why, and the others notice nothing.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gateway::{Allowance, Config, Limits, Origins, Quotas};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{
    client::{Http, Socket, text},
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
        for _ in 0..17_000 {
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

async fn quotas(user: Allowance) -> Scene {
    with(Config { quotas: Quotas { user, ..Quotas::default() }, ..Config::default() }).await
}

#[tokio::test]
async fn what_is_left_is_told_and_the_limit_holds_at_every_gateway() {
    let user = Allowance { requests_per_minute: 2, tokens_per_minute: 1_000, in_flight: 0 };
    let scene = quotas(user).await;
    let config = Config { quotas: Quotas { user, ..Quotas::default() }, ..Config::default() };
    let other = scene.cluster.gateway(config);
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
        assert!((1..=120).contains(&wait), "{wait}");
        let mut socket = Socket::connect(address).await;
        socket.send(create("Hi", json!({}))).await;
        let event = socket.next().await;
        assert_eq!((&event["status"], &event["error"]["type"]), (&json!(429), &json!("too_many_requests")));
    }
}

#[tokio::test]
async fn a_response_is_in_flight_until_it_has_ended() {
    let scene = quotas(Allowance { in_flight: 1, ..Allowance::default() }).await;
    let http = scene.http();
    let begin = async || {
        http.json(Method::POST, "/v1/responses", Some(body("Hi", json!({"background": true})))).await
    };
    for round in 0..3 {
        // Whoever ends it says so after its end is told.
        let begun = async {
            loop {
                let (status, response) = begin().await;
                if status == 200 {
                    return response;
                }
                assert_eq!((status, &response["error"]["code"]), (429, &json!("rate_limit_exceeded")));
            }
        };
        let response = timeout(Duration::from_secs(10), begun).await.unwrap();
        let call = scene.stage.next_call().await;
        assert_eq!(begin().await.0, 429);
        if round == 1 {
            let path = format!("/v1/responses/{}/cancel", response["id"].as_str().unwrap());
            assert_eq!(http.json(Method::POST, &path, None).await.0, 200);
        } else {
            call.say("Hello").await;
            call.finish().await;
        }
    }
}
