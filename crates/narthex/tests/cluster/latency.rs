//! How long a first token takes to a client, beside calling its model server directly. A measurement: it prints, and asserts
//! nothing of time.
//!
//! ```console
//! $ cargo test --release -p narthex --test cluster -- --ignored --nocapture time_to_first_token
//! ```

use std::{net::SocketAddr, time::Duration};

use hyper::Method;
use serde_json::{Value, json};
use testkit::client::Http;
use tokio::time::Instant;

use crate::support::{Cluster, MODEL, body, soon};

const WARM_UP: usize = 30;
const CALLS: usize = 300;
const PROMPT: &str = "Measure. [[tokens=2 delay_ms=0]]";

/// How long calls take until their first event of which `is_token` holds, one after the other, sorted.
async fn first_tokens(
    address: SocketAddr,
    path: &str,
    body: &Value,
    is_token: impl Fn(&Value) -> bool,
) -> Vec<Duration> {
    let http = Http::new(address);
    let mut times = Vec::new();
    for call in 0..WARM_UP + CALLS {
        let begun = Instant::now();
        let mut events = soon(http.events(Method::POST, path, Some(body.clone()))).await;
        while !is_token(&soon(events.next()).await.unwrap()) {}
        if call >= WARM_UP {
            times.push(begun.elapsed());
        }
        soon(events.rest()).await;
    }
    times.sort();
    times
}

fn percentile(times: &[Duration], percent: usize) -> f64 {
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a machine that has nothing else to do"]
async fn time_to_first_token() {
    println!("ms, {CALLS} calls one after the other   p50     p99");
    for name in ["Redis", "Kafka"] {
        let cluster = if name == "Redis" { Cluster::start().await } else { Cluster::on_kafka().await };
        let (gateway, _worker) = (cluster.gateway(&[]), cluster.worker());
        let chat = json!({"model": MODEL, "stream": true, "messages": [{"role": "user", "content": PROMPT}]});
        let has_content = |event: &Value| {
            event["choices"][0]["delta"]["content"].as_str().is_some_and(|text| !text.is_empty())
        };
        let direct =
            first_tokens(cluster.model_server.address(), "/v1/chat/completions", &chat, has_content).await;
        let is_delta = |event: &Value| event["type"] == "response.output_text.delta";
        let through = first_tokens(gateway.public(), "/v1/responses", &body(PROMPT), is_delta).await;
        let at = |percent| (percentile(&direct, percent), percentile(&through, percent));
        let ((direct_50, through_50), (direct_99, through_99)) = (at(50), at(99));
        println!("the model server directly        {direct_50:7.2} {direct_99:7.2}");
        println!("through Narthex on {name}         {through_50:7.2} {through_99:7.2}");
        println!(
            "added                            {:7.2} {:7.2}",
            through_50 - direct_50,
            through_99 - direct_99
        );
    }
}
