//! What gateway and worker tell of a response: every layer that it passed, and nothing that the page does not explain.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::json;
use testkit::client::{Http, Socket, text};

use crate::support::{Cluster, MODEL, Process, body, soon};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// What `process` tells.
async fn told(process: &Process) -> String {
    let (status, page) = soon(Http::new(process.admin()).text("/metrics")).await;
    assert_eq!(status, 200);
    page
}

/// What gateway and worker tell once both have counted so many responses: they do after their clients have heard the end.
async fn told_of(responses: f64, gateway: &Process, worker: &Process) -> (String, String) {
    let counted = async |process, name| {
        loop {
            let page = told(process).await;
            if sum(&page, name) >= responses {
                return page;
            }
        }
    };
    soon(async {
        tokio::join!(
            counted(gateway, "narthex_gateway_responses_total{"),
            counted(worker, "narthex_worker_responses_total{")
        )
    })
    .await
}

/// How much of it there is: the sum of all series whose line begins so.
fn sum(page: &str, start: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with(start));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// The names of all metrics, as they are asked for.
fn names(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| match line.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, "info") => format!("{name}_info"),
            (name, _) => name.to_owned(),
        })
        .collect()
}

async fn each_layer_is_measured(cluster: &Cluster) {
    let limit = "gateway.limits.max_memory=4GB";
    let (gateway, worker) = (cluster.gateway(&["--set", limit]), cluster.worker());
    let prompt = "Count. [[tokens=20 delay_ms=5]]";
    let events = soon(async {
        Http::new(gateway.public())
            .events(Method::POST, "/v1/responses", Some(body(prompt)))
            .await
            .rest()
            .await
    });
    assert!(!text(&events.await).is_empty());
    let mut socket = soon(Socket::connect(gateway.public())).await;
    socket.send(json!({"type": "response.create", "model": MODEL, "input": prompt})).await;
    soon(socket.turn()).await;
    socket.send(json!({"type": "nonsense"})).await;
    soon(socket.next()).await;

    let (gateway, worker) = told_of(2.0, &gateway, &worker).await;
    for transport in ["sse", "websocket"] {
        let of = |name: &str| {
            sum(&gateway, &format!("narthex_gateway_{name}{{transport=\"{transport}\",model=\"{MODEL}\""))
        };
        assert!(of("time_to_first_token_seconds_count") == 1.0, "{transport}: {gateway}");
        assert!(of("time_between_tokens_seconds_count") >= 5.0, "{transport}: {gateway}");
        assert!(of("tokens_total") >= 20.0, "{transport}: {gateway}");
        assert!(of("responses_total") == 1.0, "{transport}: {gateway}");
    }
    for name in ["delivery_seconds_count", "broker_transit_seconds_count", "traffic_bytes_total"] {
        assert!(sum(&gateway, &format!("narthex_gateway_{name}")) >= 10.0, "{name}: {gateway}");
    }
    assert!(sum(&gateway, "narthex_gateway_broker_transit_seconds_sum") < 60.0, "the clocks are the same");
    assert!(
        gateway.contains("narthex_gateway_messages_received_total{type=\"response.create\"} 1"),
        "{gateway}"
    );
    assert!(gateway.contains("narthex_gateway_messages_received_total{type=\"rejected\"} 1"), "{gateway}");
    for name in ["queue_wait", "time_to_first_token", "upstream_time_to_first_token"] {
        assert!(sum(&worker, &format!("narthex_worker_{name}_seconds_count")) == 2.0, "{name}: {worker}");
    }
    for name in ["upstream_time_between_tokens", "append"] {
        assert!(sum(&worker, &format!("narthex_worker_{name}_seconds_count")) >= 10.0, "{name}: {worker}");
    }
    let count = |operation| {
        let name = format!("narthex_broker_operation_seconds_count{{operation=\"{operation}\"}}");
        sum(&gateway, &name)
    };
    for operation in ["listen", "models", "queues"] {
        assert!(count(operation) >= 1.0, "{operation}: {gateway}");
    }
    // In one step, or in two.
    for operation in ["create", "enqueue"] {
        assert!(count("begin") + count(operation) >= 1.0, "{operation}: {gateway}");
    }
    for operation in ["claim", "open", "append", "finish", "expire", "announce", "store_put"] {
        let name = format!("narthex_broker_operation_seconds_count{{operation=\"{operation}\"}}");
        assert!(sum(&worker, &name) >= 1.0, "{name}: {worker}");
    }
    let memory = |name| sum(&gateway, &format!("narthex_memory_{name}_bytes"));
    assert!(memory("used") > 1e6 && memory("limit") == 4e9, "{gateway}");
    for name in names(&gateway).union(&names(&worker)) {
        assert!(PAGE.contains(&format!("`{name}`")), "docs/metrics.md does not tell of {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis_each_layer_is_measured() {
    each_layer_is_measured(&Cluster::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_each_layer_is_measured() {
    each_layer_is_measured(&Cluster::on_kafka().await).await;
}

/// Asks for `prompt` from `model`, to its end.
async fn ask(gateway: &Process, model: &str, prompt: &str) {
    let body = json!({"model": model, "input": prompt, "stream": true});
    let http = Http::new(gateway.public());
    let events = soon(http.events(Method::POST, "/v1/responses", Some(body))).await.rest();
    assert_eq!(soon(events).await.last().unwrap()["type"], "response.failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_response_says_whose_fault_it_was() {
    let cluster = Cluster::start().await;
    let (worker, gateway) = (cluster.worker(), cluster.gateway(&[]));
    ask(&gateway, MODEL, "No. [[fail=400]]").await;
    ask(&gateway, MODEL, "Broken. [[fail=500]]").await;
    let (gateway, worker) = told_of(2.0, &gateway, &worker).await;
    for error_type in ["invalid_request_error", "model_error"] {
        let labels = format!("model=\"{MODEL}\",outcome=\"failed\",error_type=\"{error_type}\"}} 1");
        let of_gateway = format!("narthex_gateway_responses_total{{transport=\"sse\",{labels}");
        assert!(gateway.contains(&of_gateway), "{of_gateway}: {gateway}");
        let of_worker = format!("narthex_worker_responses_total{{{labels}");
        assert!(worker.contains(&of_worker), "{of_worker}: {worker}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_server_that_is_gone_is_an_open_circuit() {
    let cluster = Cluster::start().await;
    let here = cluster.model_server.url();
    let (here, gone) = (here.strip_prefix("http://").unwrap(), "127.0.0.1:1/v1");
    let settings = ["upstream.1.url=http://127.0.0.1:1/v1", "upstream.1.models.0.name=gone"];
    let (worker, gateway) = (cluster.worker_set(&settings), cluster.gateway(&[]));
    // From the start, so that a queue which is empty is not one that nobody tells of.
    soon(async {
        while !told(&gateway).await.contains("narthex_gateway_queue_waiting{model=\"gone\"} 0\n") {}
    })
    .await;
    let circuit = |model: &str, server: &str, state: &str| {
        format!("narthex_worker_upstream_circuit{{model=\"{model}\",server=\"{server}\",state=\"{state}\"}} ")
    };
    let page = told(&worker).await;
    for (model, server) in [(MODEL, here), ("gone", gone)] {
        assert_eq!(sum(&page, &circuit(model, server, "closed")), 1.0, "{page}");
        assert_eq!(sum(&page, &circuit(model, server, "open")), 0.0, "{page}");
    }
    ask(&gateway, "gone", "Anyone?").await;
    let page = told(&worker).await;
    assert_eq!(sum(&page, &circuit("gone", gone, "closed")), 0.0, "{page}");
    assert_eq!(
        sum(&page, &circuit("gone", gone, "open")) + sum(&page, &circuit("gone", gone, "half_open")),
        1.0
    );
    assert_eq!(sum(&page, &circuit(MODEL, here, "closed")), 1.0, "{page}");
}
