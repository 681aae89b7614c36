//! Metrics that are pushed: the same figures as those that are told, as far as the last one, and no trouble when nobody takes them.

use std::collections::BTreeMap;

use hyper::Method;
use testkit::{
    client::{Http, text},
    otlp::{Push, Receiver},
};

use crate::support::{Cluster, Process, body, soon};

/// A cluster whose processes push to `receiver`, and what else they are told.
async fn pushing(receiver: &Receiver, more: &[(&'static str, &str)]) -> Cluster {
    let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url())];
    variables.extend(more.iter().map(|&(name, value)| (name, value.to_owned())));
    Cluster::start().await.with_variables(variables)
}

async fn respond(gateway: &Process) {
    let http = Http::new(gateway.public());
    let prompt = "Count. [[tokens=20 delay_ms=1]]";
    let events = soon(http.events(Method::POST, "/v1/responses", Some(body(prompt)))).await.rest();
    assert!(!text(&soon(events).await).is_empty());
}

/// What `process` tells at `/metrics`, by series.
async fn told(process: &Process) -> BTreeMap<String, f64> {
    let (_, page) = soon(Http::new(process.admin()).text("/metrics")).await;
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (tidy(name), value.parse().unwrap()))
        .collect()
}

/// A series with its labels in order, without those that say nothing, and bounds as the receiver writes them.
fn tidy(series: &str) -> String {
    let Some((name, labels)) = series.split_once('{') else { return series.to_owned() };
    let mut labels: Vec<_> = labels
        .trim_end_matches('}')
        .split(',')
        .filter(|label| !label.ends_with("=\"\""))
        .map(bound)
        .collect();
    labels.sort();
    format!("{name}{{{}}}", labels.join(","))
}

fn bound(label: &str) -> String {
    match label.strip_prefix("le=\"").and_then(|bound| bound.trim_end_matches('"').parse::<f64>().ok()) {
        Some(bound) if bound.is_finite() => format!("le=\"{bound:?}\""),
        _ => label.to_owned(),
    }
}

/// Of all series those that stand still while nothing is asked.
fn still(series: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let still = ["narthex_gateway_", "narthex_worker_", "narthex_build_"];
    let own = series.iter().filter(|(name, _)| still.iter().any(|start| name.starts_with(start)));
    own.map(|(name, value)| (name.clone(), *value)).collect()
}

fn is_of(push: &Push, service: &str) -> bool {
    push.resource.get("service.name").is_some_and(|name| name == service)
}

/// Asks `process` until what it tells is what it has pushed, all of it.
async fn pushes_what_it_tells(
    process: &Process,
    receiver: &Receiver,
    service: &str,
) -> BTreeMap<String, f64> {
    soon(async {
        loop {
            let told = still(&told(process).await);
            // Those that came before do not count: the figures may have gone on.
            let seen = receiver.pushes();
            let next = receiver.pushed_after(seen, |push| is_of(push, service).then(|| push.clone())).await;
            if still(&next.series) == told {
                return told;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pushed_is_what_is_told() {
    let receiver = Receiver::start().await;
    let cluster = pushing(
        &receiver,
        &[("OTEL_METRIC_EXPORT_INTERVAL", "100"), ("OTEL_RESOURCE_ATTRIBUTES", "team=blue")],
    )
    .await;
    let (gateway, worker) = (cluster.gateway(&[]), cluster.worker());
    respond(&gateway).await;
    let of_gateway = pushes_what_it_tells(&gateway, &receiver, "narthex-gateway").await;
    let of_worker = pushes_what_it_tells(&worker, &receiver, "narthex-worker").await;
    assert!(of_gateway["narthex_gateway_tokens_total{model=\"scripted\",transport=\"sse\"}"] >= 20.0);
    assert!(of_worker["narthex_worker_append_seconds_count{model=\"scripted\"}"] >= 1.0, "{of_worker:#?}");
    assert!(of_worker["narthex_worker_append_seconds_bucket{le=\"+Inf\",model=\"scripted\"}"] >= 1.0);

    let push = receiver.pushed(|push| (still(&push.series) == of_worker).then(|| push.clone())).await;
    assert_eq!(push.resource["team"], "blue");
    assert_eq!(push.units["narthex_worker_append_seconds"], "s");
    assert_eq!(push.units["process_resident_memory_bytes"], "By");
    // One process has one name, whatever it tells.
    let spans = receiver.when(|spans| spans.iter().find(|span| span.name == "produce").cloned()).await;
    assert_eq!(spans.resource, push.resource);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_process_is_pushed_too() {
    let receiver = Receiver::start().await;
    let cluster = pushing(&receiver, &[("OTEL_METRIC_EXPORT_INTERVAL", "3600000")]).await;
    let (gateway, mut worker) = (cluster.gateway(&[]), cluster.worker());
    respond(&gateway).await;
    assert_eq!(receiver.pushes(), 0, "it is too early");
    worker.signal("TERM");
    assert!(worker.wait().success());
    let push = receiver.pushed(|push| is_of(push, "narthex-worker").then(|| push.clone())).await;
    assert!(push.series["narthex_worker_tokens_total{model=\"scripted\"}"] >= 20.0, "{:#?}", push.series);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_takes_is_counted_and_holds_up_nothing() {
    let receiver = Receiver::start().await;
    let more = [
        ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
        ("NARTHEX_METRICS__TIMEOUT", "50ms"),
        ("NARTHEX_TRACES__TIMEOUT", "50ms"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "2"),
    ];
    let cluster = pushing(&receiver, &more).await;
    receiver.close(true);
    let (mut gateway, _worker) = (cluster.gateway(&[]), cluster.worker());
    let lost = [
        "traces_dropped_spans_total{reason=\"queue_full\"}",
        "traces_dropped_spans_total{reason=\"not_taken\"}",
        "metrics_dropped_points_total",
    ];
    soon(async {
        loop {
            respond(&gateway).await;
            let told = told(&gateway).await;
            if lost.iter().all(|name| told[&format!("narthex_{name}")] > 0.0) {
                return;
            }
        }
    })
    .await;
    receiver.close(false);
    receiver.pushed(|push| is_of(push, "narthex-gateway").then_some(())).await;
    receiver.close(true);
    gateway.signal("TERM");
    assert!(tokio::task::block_in_place(|| gateway.wait()).success());
}
