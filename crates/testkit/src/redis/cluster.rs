//! A Redis Cluster.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Server, cli};

const PATIENCE: Duration = Duration::from_secs(30);

/// Three masters, each with a third of the slots.
#[derive(Debug)]
pub struct Cluster {
    /// The servers. The masters need not be the first three, but the first is one.
    pub nodes: Vec<Server>,
}

impl Cluster {
    /// Three masters, with these arguments beside those that all have.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::create(3, "0", arguments).await
    }

    /// Three masters with a replica each.
    pub async fn start_with_replicas() -> Self {
        Self::create(6, "1", &[]).await
    }

    async fn create(count: usize, replicas: &str, arguments: &[&str]) -> Self {
        let arguments = [&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"], arguments].concat();
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(Server::start(&arguments).await);
        }
        let addresses: Vec<_> = nodes.iter().map(Server::address).collect();
        let mut create = vec!["--cluster", "create"];
        create.extend(addresses.iter().map(String::as_str));
        create.extend(["--cluster-replicas", replicas, "--cluster-yes"]);
        let created = cli(nodes[0].port, &create);
        let deadline = Instant::now() + PATIENCE;
        while !nodes.iter().all(|node| is_whole(node, count)) {
            assert!(Instant::now() < deadline, "no cluster came about: {created}");
            sleep(Duration::from_millis(20)).await;
        }
        Self { nodes }
    }

    /// Where clients connect.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }

    /// Waits until every replica follows its master, and has all that the master has now.
    pub async fn wait_for_replicas(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.nodes.iter().all(has_caught_up) {
            assert!(Instant::now() < deadline, "the replicas do not follow");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Whether a node knows of all others, and that every slot has a master.
fn is_whole(node: &Server, count: usize) -> bool {
    let info = node.cli(&["CLUSTER", "INFO"]);
    let knows_all = info.contains(&format!("cluster_known_nodes:{count}"));
    info.contains("cluster_state:ok") && knows_all && info.contains("cluster_size:3")
}

/// Whether a master's replica has acknowledged all that the master has written. A replica has none to ask.
fn has_caught_up(node: &Server) -> bool {
    let info = node.cli(&["INFO", "replication"]);
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if field("role:") != Some("master") {
        return true;
    }
    let written = field("master_repl_offset:").unwrap_or_default();
    field("slave0:").is_some_and(|replica| replica.contains(&format!("offset={written},")))
}
