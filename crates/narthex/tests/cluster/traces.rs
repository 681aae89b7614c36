//! What is done for one response joins into one tree, whichever processes did it.

use hyper::Method;
use serde_json::{Value, json};
use testkit::{
    client::{EventStream, Http, Socket, text},
    otlp::{Receiver, Span},
};

use crate::support::{Cluster, Process, body, first_events, soon};

/// The client's own span.
const CLIENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CLIENT_TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const CLIENT_SPAN: u64 = 0xb7ad_6b71_6920_3331;

/// What is done for a response that nothing befalls.
const TREE: &str = "\
response narthex-gateway
  admit narthex-gateway
    enqueue narthex-gateway
      queue narthex-worker
      produce narthex-worker
        claim narthex-worker
        chat scripted narthex-worker
        append narthex-worker
  deliver narthex-gateway
";

/// A cluster whose processes export what they do at once.
async fn traced(cluster: Cluster, more: &[(&'static str, &str)]) -> (Cluster, Receiver) {
    let receiver = Receiver::start().await;
    let mut variables =
        vec![("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url()), ("OTEL_BSP_SCHEDULE_DELAY", "20".to_owned())];
    variables.extend(more.iter().map(|&(name, value)| (name, value.to_owned())));
    (cluster.with_variables(variables), receiver)
}

/// The spans of `trace` as a tree: a line each, deeper for a child, in the order in which they begin. Of several of one name
/// beside each other the first is shown.
fn outline(spans: &[Span], trace: u128) -> String {
    fn below(spans: &[&Span], parent: u64, depth: usize, out: &mut String) {
        let mut children: Vec<_> = spans.iter().filter(|span| span.parent == parent).collect();
        children.sort_by_key(|span| (rank(&span.name), span.time.0));
        children.dedup_by(|one, other| one.name == "append" && other.name == "append");
        for span in children {
            out.push_str(&format!("{:1$}{2} {3}\n", "", depth * 2, span.name, span.service()));
            below(spans, span.id, depth + 1, out);
        }
    }
    /// Clocks of microseconds are too coarse to order what begins together.
    fn rank(name: &str) -> usize {
        ["admit", "queue", "claim", "take over", "chat", "append"]
            .iter()
            .position(|first| name.starts_with(first))
            .unwrap_or(9)
    }
    let spans: Vec<_> = spans.iter().filter(|span| span.trace == trace).collect();
    let ids: Vec<u64> = spans.iter().map(|span| span.id).collect();
    let mut roots: Vec<u64> =
        spans.iter().map(|span| span.parent).filter(|parent| !ids.contains(parent)).collect();
    roots.sort_unstable();
    roots.dedup();
    let mut out = String::new();
    for root in roots {
        below(&spans, root, 0, &mut out);
    }
    out
}

fn find<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name}"))
}

/// Begins a response whose client has a span of its own.
async fn begin(gateway: &Process, prompt: &str) -> EventStream {
    let http = Http::new(gateway.public());
    http.events_with(Method::POST, "/v1/responses", &[("traceparent", CLIENT)], Some(body(prompt))).await
}

async fn one_tree(cluster: Cluster) {
    let (cluster, receiver) = traced(cluster, &[]).await;
    let (gateway, _worker) = (cluster.gateway(&[]), cluster.worker());
    let events = soon(begin(&gateway, "Tell me a secret. [[tokens=40 delay_ms=1]]").await.rest()).await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    let spans = receiver.when(|spans| (outline(spans, CLIENT_TRACE) == TREE).then(|| spans.to_vec())).await;
    let spans: Vec<Span> = spans.into_iter().filter(|span| span.trace == CLIENT_TRACE).collect();

    let response = find(&spans, "response");
    assert_eq!((response.parent, response.kind), (CLIENT_SPAN, "SPAN_KIND_SERVER"));
    let id = events[0]["response"]["id"].as_str().unwrap();
    let attributes = &response.attributes;
    assert_eq!((&*attributes["gen_ai.response.id"], &*attributes["gen_ai.request.model"]), (id, "scripted"));
    // The model server was told under which span its own work belongs.
    let chat = find(&spans, "chat scripted");
    let stats = cluster.model_server.stats();
    let told = stats.last().unwrap().headers["traceparent"].clone();
    assert_eq!(told, format!("00-{CLIENT_TRACE:032x}-{:016x}-01", chat.id));
    assert_eq!((chat.kind, &*chat.events), ("SPAN_KIND_CLIENT", &["first token".to_owned()][..]));
    assert_eq!(chat.attributes["gen_ai.response.finish_reasons"], "stop");
    assert_eq!(find(&spans, "deliver").events, ["first token"]);
    // What waits begins where it was left.
    let (enqueue, queue, produce) = (find(&spans, "enqueue"), find(&spans, "queue"), find(&spans, "produce"));
    assert!(enqueue.time.0 <= queue.time.1 && queue.time.0 <= queue.time.1);
    assert!(queue.time.1 <= produce.time.0);
    assert_eq!(produce.attributes["messaging.operation.type"], "process");
    assert_eq!(produce.attributes["gen_ai.usage.output_tokens"], "40");
    // However long a response, it has few spans.
    let appends = spans.iter().filter(|span| span.name == "append").count();
    assert!((1..=10).contains(&appends), "{appends}");

    let said = text(&events);
    for (_, body) in receiver.requests() {
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(!body.contains("secret") && !body.contains(&said[..10]), "a trace tells content");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_one_tree() {
    one_tree(Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_a_response_is_one_tree() {
    one_tree(Cluster::on_kafka().await).await;
}

/// The worker dies, and then the gateway; another one of each carries on.
async fn one_tree_in_spite_of(cluster: Cluster) {
    let (cluster, receiver) = traced(cluster, &[]).await;
    let (gateway, survivor) = (cluster.gateway(&[]), cluster.gateway(&[]));
    let worker = cluster.prefilling_worker();
    let mut stream = begin(&gateway, "Tell me something. [[tokens=60 delay_ms=20]]").await;
    let mut events = first_events(&mut stream, 15).await;
    // Not before it has told whose the response is.
    receiver.when(|spans| spans.iter().any(|span| span.name == "claim").then_some(())).await;
    let _second = cluster.prefilling_worker();
    worker.kill();
    receiver.when(|spans| spans.iter().any(|span| span.name == "take over").then_some(())).await;
    let id = events[0]["response"]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/responses/{id}?stream=true&starting_after=14");
    let resumed = Http::new(survivor.public()).events(Method::GET, &path, None).await;
    gateway.kill();
    let rest = soon(resumed.rest()).await;
    events.extend(rest);
    assert_eq!(events.last().unwrap()["type"], "response.completed");

    // What was under way in a process that is killed is not told any more: not the first worker's work, and not the response.
    let spans = receiver
        .when(|spans| {
            let told = ["resume", "produce"].iter().all(|name| spans.iter().any(|span| span.name == *name));
            told.then(|| spans.to_vec())
        })
        .await;
    assert!(spans.iter().all(|span| span.trace == CLIENT_TRACE), "{spans:#?}");
    let (admit, resume) = (find(&spans, "admit"), find(&spans, "resume"));
    assert_eq!(admit.parent, resume.parent, "both are under the response");
    assert_ne!(admit.resource["service.instance.id"], resume.resource["service.instance.id"]);
    assert_eq!(resume.attributes["narthex.event.first"], "15");
    let (enqueue, produce) = (find(&spans, "enqueue"), find(&spans, "produce"));
    assert_eq!((enqueue.parent, produce.parent), (admit.id, enqueue.id));
    let (claim, taken) = (find(&spans, "claim"), find(&spans, "take over"));
    assert_eq!((taken.parent, &*taken.attributes["narthex.attempt"]), (produce.id, "2"));
    assert_ne!(claim.parent, produce.id, "it is under the work of the worker that died");
    assert_ne!(claim.resource["service.instance.id"], taken.resource["service.instance.id"]);
    assert_eq!(find(&spans, "queue").parent, enqueue.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_is_one_tree_in_spite_of_deaths() {
    one_tree_in_spite_of(Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_a_response_is_one_tree_in_spite_of_deaths() {
    one_tree_in_spite_of(Cluster::on_kafka().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_websocket_each_response_has_its_trace() {
    let (cluster, receiver) = traced(Cluster::start().await, &[]).await;
    let (gateway, _worker) = (cluster.gateway(&[]), cluster.worker());
    let mut socket = Socket::connect(gateway.public()).await;
    let create = |more: Value| {
        let mut create = json!({"type": "response.create", "model": "scripted", "input": "Hi"});
        create.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        create
    };
    socket.send(create(json!({"traceparent": CLIENT, "tracestate": "rojo=1"}))).await;
    soon(socket.turn()).await;
    assert_eq!(cluster.model_server.stats().last().unwrap().headers["tracestate"], "rojo=1");
    socket.send(create(json!({}))).await;
    soon(socket.turn()).await;
    drop(socket);
    let spans = receiver
        .when(|spans| {
            let done = spans.iter().filter(|span| span.name == "produce").count() == 2;
            (done && outline(spans, CLIENT_TRACE) == TREE).then(|| spans.to_vec())
        })
        .await;
    let other = spans.iter().find(|span| span.name == "produce" && span.trace != CLIENT_TRACE).unwrap();
    receiver.when(|spans| (outline(spans, other.trace) == TREE).then_some(())).await;
    let upgrade = find(&spans, "upgrade");
    assert!(upgrade.trace != other.trace && upgrade.trace != CLIENT_TRACE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sampled_is_told_only_if_it_fails() {
    let never = [("NARTHEX_TRACES__SAMPLE_RATIO", "0")];
    let (cluster, receiver) = traced(Cluster::start().await, &never).await;
    let (gateway, _worker) = (cluster.gateway(&[]), cluster.worker());
    let http = Http::new(gateway.public());
    let send = async |prompt: &str| {
        soon(http.events(Method::POST, "/v1/responses", Some(body(prompt))).await.rest()).await
    };
    let whole = send("Tell me something.").await;
    assert_eq!(whole.last().unwrap()["type"], "response.completed");
    // The trace has a name all the same, for logs and for the model server, which need not record it either.
    let told =
        cluster.model_server.stats().last().unwrap().headers["traceparent"].to_str().unwrap().to_owned();
    assert!(told.starts_with("00-") && told.ends_with("-00"), "{told}");
    let failed = send("[[fail=400]]").await;
    assert_eq!(failed.last().unwrap()["type"], "response.failed");
    let spans = receiver.when(|spans| (!spans.is_empty()).then(|| spans.to_vec())).await;
    assert_eq!(spans.len(), 1, "{spans:#?}");
    assert_eq!((&*spans[0].name, spans[0].is_failed), ("produce", true));
    assert_eq!(spans[0].attributes["narthex.outcome"], "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_does_not_answer_delays_nobody() {
    let (cluster, receiver) = traced(Cluster::start().await, &[]).await;
    receiver.close(true);
    let (mut gateway, mut worker) = (cluster.gateway(&[]), cluster.worker());
    for _ in 0..300 {
        let events = soon(begin(&gateway, "Tell me something. [[tokens=4]]").await.rest()).await;
        assert_eq!(events.last().unwrap()["type"], "response.completed");
    }
    // The end waits for it, but not long.
    let asked = tokio::time::Instant::now();
    for process in [&mut gateway, &mut worker] {
        process.signal("TERM");
    }
    assert!(gateway.wait().success() && worker.wait().success());
    assert!(asked.elapsed() < std::time::Duration::from_secs(8), "{:?}", asked.elapsed());
    assert!(receiver.spans().is_empty());
}
