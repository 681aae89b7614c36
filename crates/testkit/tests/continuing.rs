//! Scenes of conversations: continuing on the connection and through the store, forgetting, keys.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::text,
    scene::{Scene, body, create},
};

fn id_of(events: &[Value]) -> String {
    events[0]["response"]["id"].as_str().unwrap().to_owned()
}

fn texts(input: &[protocol::Item]) -> Vec<String> {
    let text = |item: &protocol::Item| match item.view() {
        Some(protocol::View::Message { content, .. }) => content.text(),
        _ => String::new(),
    };
    input.iter().map(text).collect()
}

#[tokio::test]
async fn a_stored_response_is_continued_from_anywhere() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("one", json!({}))).await;
    scene.answer(&["two"]).await;
    let first = socket.turn().await;
    let mut other = scene.socket().await;
    other.send(create("three", json!({"previous_response_id": id_of(&first)}))).await;
    let call = scene.stage.next_call().await;
    assert_eq!(texts(&call.call.request.input), ["one", "two", "three"]);
    call.say("four").await;
    call.finish().await;
    let second = other.turn().await;
    // The chain goes back through both.
    let http = scene.http();
    let (_, third) = tokio::join!(
        async {
            let call = scene.stage.next_call().await;
            assert_eq!(texts(&call.call.request.input), ["one", "two", "three", "four", "five"]);
            call.finish().await;
        },
        http.json(
            Method::POST,
            "/v1/responses",
            Some(body("five", json!({"previous_response_id": id_of(&second)})))
        ),
    );
    assert_eq!(third.0, 200, "{}", third.1);
}

#[tokio::test]
async fn what_is_not_stored_lives_on_its_connection_alone() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("one", json!({"store": false}))).await;
    scene.answer(&["two"]).await;
    let first = id_of(&socket.turn().await);

    let mut other = scene.socket().await;
    other.send(create("x", json!({"previous_response_id": first}))).await;
    let refused = other.turn().await;
    assert_eq!(refused[0]["error"]["code"], "previous_response_not_found", "{refused:?}");
    assert_eq!(
        (&refused[0]["status"], &refused[0]["error"]["param"]),
        (&json!(400), &json!("previous_response_id"))
    );
    assert_eq!(scene.http().json(Method::GET, &format!("/v1/responses/{first}"), None).await.0, 404);

    socket.send(create("three", json!({"store": false, "previous_response_id": first}))).await;
    let call = scene.stage.next_call().await;
    assert_eq!(texts(&call.call.request.input), ["one", "two", "three"]);
    // The turn fails: what it continued is forgotten.
    call.fail(engine::Error::new(engine::Fault::Refused, "No.", "test")).await;
    assert_eq!(socket.turn().await.last().unwrap()["type"], "response.failed");
    socket.send(create("again", json!({"store": false, "previous_response_id": first}))).await;
    assert_eq!(socket.turn().await[0]["error"]["code"], "previous_response_not_found");
}

#[tokio::test]
async fn a_prepared_response_generates_nothing_and_can_be_continued() {
    let scene = Scene::new().await;
    let mut socket = scene.socket().await;
    socket.send(create("context", json!({"generate": false}))).await;
    let prepared = socket.turn().await;
    assert_eq!(prepared.last().unwrap()["type"], "response.completed");
    assert_eq!(prepared.last().unwrap()["response"]["output"], json!([]));
    let mut other = scene.socket().await;
    other.send(create("go", json!({"previous_response_id": id_of(&prepared)}))).await;
    let call = scene.stage.next_call().await;
    assert_eq!(texts(&call.call.request.input), ["context", "go"]);
    call.finish().await;
    other.turn().await;
}

#[tokio::test]
async fn one_key_is_one_response_at_any_gateway() {
    let scene = Scene::new().await;
    let other = scene.cluster.gateway(gateway::Config::default());
    let keyed = |input| create(input, json!({"idempotency_key": "k1"}));
    let mut sockets = Vec::new();
    for at in 0..20 {
        let address = if at % 2 == 0 { scene.gateway.address } else { other.address };
        sockets.push(testkit::client::Socket::connect(address).await);
    }
    // All at once.
    futures_util::future::join_all(sockets.iter_mut().map(|socket| socket.send(keyed("Hi")))).await;
    scene.answer(&["only ", "once"]).await;
    let turns = futures_util::future::join_all(sockets.iter_mut().map(|socket| socket.turn())).await;
    for turn in &turns {
        assert_eq!(text(turn), "only once");
        assert_eq!(id_of(turn), id_of(&turns[0]));
    }
    // Later, another body is a conflict, and the same body is answered from what is stored.
    sockets[0].send(keyed("Something else")).await;
    let refused = sockets[0].turn().await;
    assert_eq!(
        (&refused[0]["status"], &refused[0]["error"]["code"]),
        (&json!(409), &json!("idempotency_conflict"))
    );
    sockets[1].send(keyed("Hi")).await;
    let again = sockets[1].turn().await;
    assert_eq!(again.last().unwrap()["response"], turns[0].last().unwrap()["response"]);
}

#[tokio::test]
async fn a_call_output_needs_its_call() {
    let scene = Scene::new().await;
    let input = json!([{"type": "function_call_output", "call_id": "call_x", "output": "1"}]);
    let (status, error) =
        scene.http().json(Method::POST, "/v1/responses", Some(body("", json!({"input": input})))).await;
    assert_eq!(status, 400, "{error}");
    assert!(error["error"]["param"].as_str().unwrap().starts_with("input"), "{error}");
}
