//! A client that stops reading among many that read.

use std::time::Duration;

use hyper::Method;
use serde_json::json;
use testkit::client::{Http, Socket, sequence, text};
use tokio::{task::JoinSet, time::Instant};

use crate::support::{Cluster, MODEL, Process, body};

const READERS: usize = 100;
const TOKENS: usize = 100;

/// The longest waits of `READERS` clients between two events, sorted.
async fn read_all(gateway: &Process) -> Vec<Duration> {
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        let http = Http::new(gateway.public());
        let prompt = format!("Reader {number}. [[tokens={TOKENS} delay_ms=10]]");
        readers.spawn(async move {
            let mut stream = http.events(Method::POST, "/v1/responses", Some(body(&prompt))).await;
            let (mut events, mut gaps, mut last) = (Vec::new(), Vec::new(), None);
            while let Some(event) = stream.next().await {
                if event["type"] == "response.output_text.delta" {
                    gaps.extend(last.replace(Instant::now()).map(|last: Instant| last.elapsed()));
                }
                events.push(event);
            }
            assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>());
            gaps
        });
    }
    let mut gaps: Vec<_> = readers.join_all().await.into_iter().flatten().collect();
    gaps.sort();
    assert_eq!(gaps.len(), READERS * (TOKENS - 1));
    gaps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_delays_nobody_and_costs_no_memory() {
    let cluster = Cluster::start().await;
    let _worker = cluster.worker();
    let gateway = cluster.gateway(&[]);
    let undisturbed = read_all(&gateway).await;
    let before = gateway.resident();

    // About 20 MB in events, which nobody reads for now.
    let mut deaf = Socket::connect(gateway.public()).await;
    deaf.send(json!({"type": "response.create", "model": MODEL, "input": "[[tokens=100000 delay_ms=0]]"}))
        .await;
    let disturbed = read_all(&gateway).await;
    let grown = gateway.resident().saturating_sub(before);
    let p99 = |gaps: &[Duration]| gaps[gaps.len() * 99 / 100];
    println!(
        "time between tokens of {READERS} readers, p99: {:?} alone, {:?} beside one that does not read; memory grew by {} kB",
        p99(&undisturbed),
        p99(&disturbed),
        grown / 1024
    );
    assert!(grown < 16 * 1024 * 1024, "{grown} bytes");

    // And then it reads everything.
    let events = deaf.turn().await;
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    assert_eq!(events.last().unwrap()["response"]["output"][0]["content"][0]["text"], text(&events));
    let mut next = 0;
    for event in &events {
        let last = event["sequence_number"].as_u64().unwrap();
        assert_eq!(event["narthex:merged_from"].as_u64().unwrap_or(last), next);
        next = last + 1;
    }
}
