//! What a long queue costs those who read it. In a process of its own: what it holds is measured.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::time::Duration;

use broker::{Depth, Header, Job, Kind, Member};
use broker_kafka::Config;
use bytes::Bytes;
use testkit::kafka::Cluster;

const LEASE: Duration = Duration::from_secs(60);

/// What this process has in memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// A long queue of large jobs is not kept in the memory of those who serve the model, nor of those who ask for more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_costs_little_memory() {
    const JOBS: u64 = 150;
    const SIZE: usize = 1 << 20;
    let bootstrap_servers = Cluster::shared().await.addresses.clone();
    let config = Config { bootstrap_servers, waiting_bytes: 8 << 20, ..Config::default() };
    let gateway = broker_kafka::connect(config.clone()).await.unwrap();
    let worker = broker_kafka::connect(config).await.unwrap();
    let (model, member) = (Member::random("model").to_string(), Member::random("worker"));
    assert!(worker.jobs.claim(&model, &member, 1, Duration::ZERO, LEASE).await.unwrap().is_empty());
    let before = resident();
    let request = Bytes::from(vec![b'x'; SIZE]);
    for _ in 0..JOBS {
        let header = Header { model: model.clone(), background: true, ..Header::default() };
        let (id, request) = (gateway.log.new_id(), request.clone());
        let job = Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 };
        gateway.jobs.enqueue(&job).await.unwrap();
    }
    let depth = Depth { waiting: JOBS, claimed: 0, dead: 0 };
    assert_eq!(worker.jobs.depth(&model).await.unwrap(), depth);
    assert_eq!(gateway.jobs.depth(&model).await.unwrap(), depth);
    let grown = resident().saturating_sub(before);
    println!("{JOBS} jobs of {SIZE} bytes cost {grown} bytes in two processes");
    assert!(grown < 75 << 20, "{JOBS} jobs of {SIZE} bytes cost {grown} bytes");
    let mut claimed = 0;
    while claimed < JOBS {
        for claim in worker.jobs.claim(&model, &member, 20, LEASE, LEASE).await.unwrap() {
            assert_eq!(claim.job.request, request);
            worker.jobs.finish(&claim.ticket).await.unwrap();
            claimed += 1;
        }
    }
}
