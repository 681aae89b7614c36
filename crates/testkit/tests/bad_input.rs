//! Scenes of bad input: the standard's error, and the connection lives on where the standard lets it.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::text,
    cluster::MODEL,
    scene::{Scene, body, create},
};
use tokio_tungstenite::tungstenite::Message;

fn error(event: &Value) -> (u64, &str, Option<&str>) {
    assert_eq!(event["type"], "error", "{event}");
    let error = &event["error"];
    (event["status"].as_u64().unwrap(), error["code"].as_str().unwrap(), error["param"].as_str())
}

#[tokio::test]
async fn a_socket_lives_on_after_bad_messages() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    let cases = [
        (json!("not an object"), 400, None),
        (json!({"type": "response.sing"}), 400, Some("type")),
        (create("x", json!({"model": 7})), 400, Some("model")),
        (create("x", json!({"model": "nobody's"})), 404, Some("model")),
        (create("x", json!({"input": 5})), 400, Some("input")),
        (create("x", json!({"stream": 1})), 400, Some("stream")),
        (create("x", json!({"background": true})), 400, Some("background")),
        (create("x", json!({"temperature": "hot"})), 400, Some("temperature")),
        (create("x", json!({"previous_response_id": "resp_x"})), 400, Some("previous_response_id")),
        (create("x", json!({"stream_id": "no spaces allowed"})), 400, Some("stream_id")),
    ];
    for (message, status, param) in cases {
        socket.send(message.clone()).await;
        let event = socket.next().await;
        let got = error(&event);
        assert_eq!((got.0, got.2), (status, param), "{message} → {event}");
    }
    socket.send_raw(Message::text("{\"type\":")).await;
    assert_eq!(error(&socket.next().await).1, "invalid_json");
    socket.send_raw(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(error(&socket.next().await).1, "binary_not_supported");
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    socket.send_raw(Message::text(format!("{{\"type\":\"response.create\",\"input\":{deep}}}"))).await;
    assert_eq!(error(&socket.next().await).0, 400);
    // An error in a lane echoes the lane.
    socket.send(create("x", json!({"stream_id": "a", "model": "nobody's"}))).await;
    assert_eq!(socket.next().await["stream_id"], "a");
    // After all this it still works.
    socket.send(create("Hi", json!({}))).await;
    scene.answer(&["Hello"]).await;
    assert_eq!(text(&socket.turn().await), "Hello");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_socket_closed() {
    let config = gateway::Config { max_message_bytes: 10_000, ..gateway::Config::default() };
    let scene = Scene::with(broker::memory::broker(), config, worker::Config::default()).await;
    let mut socket = scene.socket().await;
    socket.send(create(&"x".repeat(20_000), json!({}))).await;
    let event = socket.next().await;
    assert_eq!((error(&event).0, error(&event).1), (413, "request_too_large"));
    assert_eq!(socket.closed().await, Some(1009));
    let (status, error) =
        scene.http().json(Method::POST, "/v1/responses", Some(body(&"x".repeat(20_000), json!({})))).await;
    assert_eq!((status, &error["error"]["code"]), (413, &json!("request_too_large")));
    // Exactly as large as allowed is allowed: it is the unknown model that is refused.
    let mut fits = json!({"model": "nobody's", "input": ""});
    let room = 10_000 - fits.to_string().len();
    fits["input"] = "x".repeat(room).into();
    assert_eq!(scene.http().json(Method::POST, "/v1/responses", Some(fits)).await.0, 404);
}

#[tokio::test]
async fn what_is_not_utf8_closes_the_socket() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    use tokio_tungstenite::tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    };
    socket.send_raw(Message::Frame(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true))).await;
    assert_eq!(socket.closed().await, Some(1007));
}

#[tokio::test]
async fn http_errors_name_what_is_wrong() {
    let scene = Scene::new().await;
    let http = scene.http();
    let cases = [
        (Method::POST, "/v1/responses", json!({"model": MODEL, "input": [{"role": "user"}]}), 400),
        (
            Method::POST,
            "/v1/responses",
            json!({"model": MODEL, "input": "x", "tools": [{"type": "web_search"}]}),
            400,
        ),
        (
            Method::POST,
            "/v1/responses",
            json!({"model": MODEL, "input": "x", "background": true, "store": false}),
            400,
        ),
        (Method::POST, "/v1/responses", json!({"input": "x"}), 400),
        (Method::POST, "/v1/chat/completions", json!({"model": MODEL}), 400),
        (Method::POST, "/v1/chat/completions", json!({"model": MODEL, "messages": [], "n": 2}), 400),
        (Method::POST, "/v1/responses/compact", json!({"input": "x"}), 400),
        (Method::GET, "/v1/responses/resp_x", Value::Null, 404),
        (Method::GET, "/v1/models/nobody's", Value::Null, 404),
        (Method::DELETE, "/v1/models", Value::Null, 405),
        (Method::GET, "/v2", Value::Null, 404),
    ];
    for (method, path, body, status) in cases {
        let (got, error) =
            http.json(method.clone(), path, Some(body.clone()).filter(|body| !body.is_null())).await;
        assert_eq!(got, status, "{method} {path} {body} → {error}");
        assert!(error["error"]["message"].is_string() && error["error"]["type"].is_string(), "{error}");
        if status == 400 {
            assert!(error["error"]["param"].is_string(), "{method} {path} {body} → {error}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_old_is_told_and_closed_after_its_turns() {
    let config = gateway::Config {
        max_connection_age: Duration::from_millis(200),
        ping_interval: Duration::from_millis(50),
        ..gateway::Config::default()
    };
    let scene = Scene::with(broker::memory::broker(), config, worker::Config::default()).await;
    let mut socket = scene.socket().await;
    socket.send(create("Hi", json!({}))).await;
    let call = scene.stage.next_call().await;
    let told = loop {
        let event = socket.next().await;
        if event["type"] == "error" {
            break event;
        }
    };
    assert_eq!(error(&told).1, "websocket_connection_limit_reached");
    call.say("still").await;
    call.finish().await;
    assert_eq!(text(&socket.turn().await), "still");
    assert_eq!(socket.closed().await, Some(1000));
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let config = gateway::Config {
        idle_timeout: Duration::from_millis(300),
        ping_interval: Duration::from_millis(100),
        ..gateway::Config::default()
    };
    let scene = Scene::with(broker::memory::broker(), config, worker::Config::default()).await;
    // A bare TCP client answers no pings.
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut tcp = tokio::net::TcpStream::connect(scene.gateway.address).await.unwrap();
    let upgrade = "GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    tcp.write_all(upgrade.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), tcp.read_to_end(&mut all)).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&all);
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    assert!(text.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
}
