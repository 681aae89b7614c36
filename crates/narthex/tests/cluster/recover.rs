//! What else may die or break under a stream, and what its client sees: one text without a gap, or a clear end.

use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::{Http, Socket, sequence, text},
    model_server::{ModelServer, Script},
};

use crate::support::{Cluster, MODEL, PATIENCE, body, first_events, soon};

async fn whole(http: &Http, body: Value) -> Vec<Value> {
    soon(http.events(Method::POST, "/v1/responses", Some(body)).await.rest()).await
}

fn assert_same(events: &[Value], undisturbed: &[Value]) {
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    assert_eq!(text(events), text(undisturbed));
    assert_eq!(sequence(events), (0..events.len() as u64).collect::<Vec<_>>());
    let usage = |events: &[Value]| events.last().unwrap()["response"]["usage"].clone();
    assert_eq!(usage(events), usage(undisturbed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_keeps_its_log_costs_a_pause() {
    let mut cluster = Cluster::start().await;
    let gateway = cluster.gateway(&[]);
    let _worker = cluster.worker();
    let http = Http::new(gateway.public());
    let prompt = body("Tell me something. [[tokens=60 delay_ms=10]]");
    let mut stream = http.events(Method::POST, "/v1/responses", Some(prompt.clone())).await;
    let mut events = first_events(&mut stream, 15).await;
    for _ in 0..2 {
        cluster.redis.kill();
        cluster.redis.start_again().await;
        events.extend(first_events(&mut stream, 10).await);
    }
    events.extend(soon(stream.rest()).await);
    assert_same(&events, &whole(&http, prompt).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_may_come_up_before_its_redis() {
    let mut cluster = Cluster::start().await;
    cluster.redis.kill();
    let gateway = cluster.gateway(&[]);
    let admin = Http::new(gateway.admin());
    let told = async {
        loop {
            let (status, body) = admin.text("/readyz").await;
            assert_eq!(status, 503, "{body}");
            if body.contains("no Redis answers") {
                break;
            }
        }
    };
    soon(told).await;
    cluster.redis.start_again().await;
    let _worker = cluster.worker();
    let events = whole(&Http::new(gateway.public()), body("Tell me something.")).await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_server_that_cuts_the_line_is_replaced_by_another() {
    let cluster = Cluster::start().await;
    // The first to be asked, as it has the most room; the other is as it should be.
    let broken = ModelServer::start(Script::parse("tokens=40 reset_after=7").unwrap()).await.unwrap();
    let gateway = cluster.gateway(&[]);
    let _worker = cluster.worker_of(&[&broken, &cluster.model_server]);
    let http = Http::new(gateway.public());
    cluster.model_server.set_script(MODEL, Script::parse("tokens=40").unwrap());
    let events = whole(&http, body("Tell me something.")).await;
    assert_eq!((broken.stats().requests, cluster.model_server.stats().requests), (1, 1));
    broken.set_script(MODEL, Script::parse("tokens=40").unwrap());
    assert_same(&events, &whole(&http, body("Tell me something.")).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_whose_server_cannot_continue_costs_only_what_was_begun() {
    let cluster = Cluster::start().await;
    let gateway = cluster.gateway(&[]);
    let first = cluster.worker();
    let http = Http::new(gateway.public());
    let shown = body("Tell me something. [[tokens=100 delay_ms=50]]");
    let mut stream = http.events(Method::POST, "/v1/responses", Some(shown)).await;
    let mut events = first_events(&mut stream, 8).await;
    // Of this one nothing is shown before its worker dies.
    let silent = body("Tell me something else. [[tokens=20 first_delay_ms=400]]");
    let mut unbegun = http.events(Method::POST, "/v1/responses", Some(silent.clone())).await;
    let mut begun_again = first_events(&mut unbegun, 2).await;
    first.kill();
    let _second = cluster.worker();
    events.extend(soon(stream.rest()).await);
    let last = events.last().unwrap();
    assert_eq!(last["response"]["error"]["code"], "generation_interrupted");
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], text(&events));
    assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>());
    begun_again.extend(soon(unbegun.rest()).await);
    assert_same(&begun_again, &whole(&http, silent).await);
}

/// A prefix would corrupt what is not plain text, even if the server can continue one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arguments_of_a_call_are_never_continued() {
    let cluster = Cluster::start().await;
    let gateway = cluster.gateway(&[]);
    let first = cluster.prefilling_worker();
    let http = Http::new(gateway.public());
    let script = r#"[[tokens=1 tool=weather args={"city":"Rome","days":[1,2,3,4,5,6,7,8,9]} delay_ms=100]]"#;
    let mut request = body(&format!("Tell me something. {script}"));
    request["tools"] = json!([{"type": "function", "name": "weather"}]);
    let mut stream = http.events(Method::POST, "/v1/responses", Some(request)).await;
    let mut events = Vec::new();
    while !events.iter().any(|event: &Value| event["type"] == "response.function_call_arguments.delta") {
        events.push(soon(stream.next()).await.unwrap());
    }
    first.kill();
    let _second = cluster.prefilling_worker();
    events.extend(soon(stream.rest()).await);
    assert_eq!(events.last().unwrap()["response"]["error"]["code"], "generation_interrupted");
    assert_eq!(cluster.model_server.stats().requests, 1, "the model was not asked again");
}

/// A client of the standard's socket has no other way to resume there: it sends the same request with the same key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_resumes_at_another_gateway_by_its_key() {
    let cluster = Cluster::start().await;
    let _worker = cluster.worker();
    let (victim, survivor) = (cluster.gateway(&[]), cluster.gateway(&[]));
    let create = json!({
        "type": "response.create", "model": MODEL, "idempotency_key": "once",
        "input": "Tell me something. [[tokens=60 delay_ms=10]]",
    });
    let mut socket = Socket::connect(victim.public()).await;
    socket.send(create.clone()).await;
    let mut events = Vec::new();
    while events.len() < 20 {
        events.push(soon(socket.next()).await);
    }
    victim.kill();
    let mut socket = Socket::connect(survivor.public()).await;
    socket.send(create).await;
    let again = soon(socket.turn()).await;
    assert_eq!(again[..events.len()], events, "the same events with the same numbers");
    assert_eq!(again.last().unwrap()["type"], "response.completed");
    assert_eq!(cluster.model_server.stats().requests, 1, "and the model was asked once");
}

/// To a process that was stopped for a while all time has run out; but its model has spoken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_stopped_hears_its_model_before_it_looks_at_the_clock() {
    let cluster = Cluster::start().await;
    let gateway = cluster.gateway(&[]);
    let worker = cluster.worker_with(&[
        "--upstream",
        &cluster.model_server.url(),
        "--set",
        "upstream.0.timeouts.between_tokens=500ms",
    ]);
    let http = Http::new(gateway.public());
    let prompt = body("Tell me something. [[tokens=40 delay_ms=40]]");
    let mut stream = http.events(Method::POST, "/v1/responses", Some(prompt.clone())).await;
    let mut events = first_events(&mut stream, 10).await;
    worker.signal("STOP");
    cluster.model_server.wait_until(|stats| stats.finished == 1, PATIENCE).await.unwrap();
    worker.signal("CONT");
    events.extend(soon(stream.rest()).await);
    assert_same(&events, &whole(&http, prompt).await);
}
