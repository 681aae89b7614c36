//! Kafka without a store: what is off says so, in the standard's words, and names the setting that turns it on.

use hyper::Method;
use serde_json::{Value, json};
use testkit::client::{Http, Socket};

use crate::support::{Cluster, MODEL, body, soon};

/// Holds an error to its code, its parameter, and to saying what to set.
fn assert_error(told: &Value, code: &str, param: &str) {
    let error = &told["error"];
    assert_eq!((&error["code"], &error["param"]), (&json!(code), &json!(param)), "{told}");
    assert!(error["message"].as_str().unwrap().contains("kafka.store is not set"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_what_needs_a_store_says_so() {
    let cluster = Cluster::on_kafka_without_store().await;
    let gateway = cluster.gateway(&[]);
    let _worker = cluster.worker_set(&["worker.replay_ttl=1s"]);
    let http = Http::new(gateway.public());
    let post = async |more: Value| {
        let mut request = json!({"model": MODEL, "input": "Hello. [[tokens=3]]"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        soon(http.json(Method::POST, "/v1/responses", Some(request))).await
    };
    let (status, told) = post(json!({"idempotency_key": "key"})).await;
    assert_eq!(status, 400, "{told}");
    assert_error(&told, "idempotency_unsupported", "idempotency_key");

    // What the log can answer works, as long as the stream is there.
    let (status, response) = post(json!({})).await;
    assert_eq!((status, &response["status"]), (200, &json!("completed")), "{response}");
    let id = response["id"].as_str().unwrap();
    let path = format!("/v1/responses/{id}");
    let read = async |path: String| soon(http.json(Method::GET, &path, None)).await;
    soon(async { while read(path.clone()).await.0 == 200 {} }).await;
    for path in [path.clone(), format!("{path}?stream=true"), format!("{path}/input_items")] {
        let (status, told) = read(path).await;
        assert_eq!(status, 404, "{told}");
        assert_error(&told, "response_not_found", "response_id");
    }
    let (status, told) = post(json!({"previous_response_id": id})).await;
    assert_eq!(status, 400, "{told}");
    assert_error(&told, "previous_response_not_found", "previous_response_id");

    // On a socket the same, and the socket goes on.
    let mut socket = Socket::connect(gateway.public()).await;
    let refused = [
        ("idempotency_key", "key", "idempotency_unsupported"),
        ("previous_response_id", id, "previous_response_not_found"),
    ];
    for (param, value, code) in refused {
        let mut message = json!({"type": "response.create", "model": MODEL, "input": "Hello."});
        message[param] = json!(value);
        socket.send(message).await;
        let told = soon(socket.turn()).await;
        assert_eq!((told.len(), &told[0]["status"]), (1, &json!(400)), "{told:?}");
        assert_error(&told[0], code, param);
    }
    let mut message = body("Hello. [[tokens=3]]");
    message["type"] = json!("response.create");
    socket.send(message).await;
    let told = soon(socket.turn()).await;
    assert_eq!(told.last().unwrap()["type"], "response.completed");
    // A socket remembers what it was told itself.
    let own = &told[0]["response"]["id"];
    let again =
        json!({"type": "response.create", "model": MODEL, "input": "On.", "previous_response_id": own});
    socket.send(again).await;
    assert_eq!(soon(socket.turn()).await.last().unwrap()["type"], "response.completed");
}
