//! What traces cost: the processor time of a gateway and a worker for the same load, with traces off, at 1 % and at 100 %.

use futures_util::future::join_all;
use hyper::Method;
use testkit::{client::Http, otlp::Receiver};

use crate::support::{Cluster, Process, body, soon};

const ROUNDS: usize = 9;
const CLIENTS: usize = 8;
/// Of each client, in each round.
const RESPONSES: usize = 60;
const TOKENS: usize = 64;

/// One way to be set up, and what it has cost so far.
struct Arm {
    name: &'static str,
    /// `None` is off.
    ratio: Option<&'static str>,
    /// Microseconds of processor time for each token, round by round.
    costs: Vec<f64>,
}

/// The same load for all. Rounds take turns, so that what else the machine does meets all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a machine that has nothing else to do"]
async fn what_traces_cost() {
    let arm = |name, ratio| Arm { name, ratio, costs: Vec::new() };
    let mut arms = [arm("off", None), arm("1 %", Some("0.01")), arm("100 %", Some("1"))];
    let receiver = Receiver::start().await;
    let mut cluster = Cluster::start().await;
    for _ in 0..ROUNDS {
        for arm in &mut arms {
            let set = |ratio: &str| {
                let endpoint = ("NARTHEX_TRACES__ENDPOINT", receiver.url());
                vec![endpoint, ("NARTHEX_TRACES__SAMPLE_RATIO", ratio.to_owned())]
            };
            cluster = cluster.with_variables(arm.ratio.map_or_else(Vec::new, set));
            let (gateway, worker) = (cluster.gateway(&[]), cluster.worker());
            // What is done once, at the first requests, is not counted.
            load(&gateway, 5).await;
            let before = gateway.cpu() + worker.cpu();
            load(&gateway, RESPONSES).await;
            let spent = gateway.cpu() + worker.cpu() - before;
            arm.costs.push(spent.as_secs_f64() * 1e6 / (CLIENTS * RESPONSES * TOKENS) as f64);
        }
    }
    let off = lowest(&arms[0].costs);
    println!(
        "processor time of gateway and worker for a token, in µs: of {ROUNDS} rounds of {} responses of {TOKENS} tokens",
        CLIENTS * RESPONSES
    );
    println!("traces      lowest   of off   median");
    for Arm { name, costs, .. } in &arms {
        let low = lowest(costs);
        println!("{name:<9} {low:8.2} {:8.3} {:8.2}", low / off, median(costs));
    }
    println!("{} spans were exported", receiver.spans().len());
}

/// So many responses of each client, one after the other.
async fn load(gateway: &Process, responses: usize) {
    let prompt = format!("Tell me something. [[tokens={TOKENS} delay_us=200]]");
    let clients = (0..CLIENTS).map(async |_| {
        let http = Http::new(gateway.public());
        for _ in 0..responses {
            let events =
                soon(http.events(Method::POST, "/v1/responses", Some(body(&prompt))).await.rest()).await;
            assert_eq!(events.last().unwrap()["type"], "response.completed");
        }
    });
    join_all(clients).await;
}

/// The round that was disturbed least.
fn lowest(costs: &[f64]) -> f64 {
    costs.iter().copied().fold(f64::MAX, f64::min)
}

fn median(costs: &[f64]) -> f64 {
    let mut costs = costs.to_vec();
    costs.sort_by(f64::total_cmp);
    costs[costs.len() / 2]
}
