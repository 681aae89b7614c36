//! What an operator is told of a cluster whose masters leave it.

use std::time::Duration;

use broker::Verdict;
use broker_redis::examine;
use testkit::redis::Cluster;
use tokio::time::{Instant, sleep};

use crate::server::config;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_lost_slots_is_a_problem() {
    let mut cluster = Cluster::start(&[]).await;
    let slots = async |urls: &[String]| {
        let findings = examine(config(urls)).await.unwrap();
        findings.into_iter().find(|finding| finding.about == "redis cluster").unwrap()
    };
    let whole = slots(&cluster.urls()).await;
    assert_eq!((whole.verdict, &*whole.sentence), (Verdict::Fine, "16384 of 16384 slots in 3 masters"));
    let mut lost = cluster.nodes.pop().unwrap();
    lost.kill();
    let deadline = Instant::now() + Duration::from_secs(30);
    while slots(&cluster.urls()).await.verdict != Verdict::Problem {
        assert!(Instant::now() < deadline, "nobody told that a master is away");
        sleep(Duration::from_millis(50)).await;
    }
}
