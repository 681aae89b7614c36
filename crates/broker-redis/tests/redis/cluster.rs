//! A cluster of three masters.

use testkit::redis::Cluster;

use crate::server::{Served, Shared, config};

static CLUSTER: Shared<Cluster> = Shared::new();

async fn broker() -> Served<Cluster> {
    let cluster = CLUSTER.get(Cluster::start(&[])).await;
    let config = config(&cluster.urls());
    Served::connect(cluster, config).await
}

broker::conformance_suite!(broker().await);
