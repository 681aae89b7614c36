//! A cluster of three masters.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::server::{Served, Server, Shared, cli, config};

static CLUSTER: Shared<Cluster> = Shared::new();

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    async fn start() -> Self {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(Server::start(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]).await);
        }
        let addresses: Vec<_> = nodes.iter().map(Server::address).collect();
        let mut create = vec!["--cluster", "create"];
        create.extend(addresses.iter().map(String::as_str));
        create.extend(["--cluster-replicas", "0", "--cluster-yes"]);
        let created = cli(nodes[0].port, &create);
        let deadline = Instant::now() + Duration::from_secs(30);
        while !nodes.iter().all(is_whole) {
            assert!(Instant::now() < deadline, "no cluster came about: {created}");
            sleep(Duration::from_millis(20)).await;
        }
        Self { nodes }
    }

    fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }
}

/// Whether a node knows of all others, and that every slot has a master.
fn is_whole(node: &Server) -> bool {
    let info = node.cli(&["CLUSTER", "INFO"]);
    info.contains("cluster_state:ok")
        && info.contains("cluster_known_nodes:3")
        && info.contains("cluster_size:3")
}

async fn broker() -> Served<Cluster> {
    let cluster = CLUSTER.get(Cluster::start()).await;
    let config = config(&cluster.urls());
    Served::connect(cluster, config).await
}

broker::conformance_suite!(broker().await);
