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
        let cluster = Self { nodes };
        assert!(cluster.becomes_whole().await, "no cluster came about: {created}");
        cluster
    }

    /// Waits until every node knows of all others, and that every slot has a master; whether that came about.
    pub async fn becomes_whole(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.nodes.iter().all(|node| is_whole(node, self.nodes.len())) {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Where clients connect.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }

    /// Begins to move a slot from one node to another: what is in it is still at the old one, and what is new comes to the new one.
    pub fn begin_to_move(&self, slot: &str, from: usize, to: usize) {
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        assert_ok(&to.cli(&["CLUSTER", "SETSLOT", slot, "IMPORTING", &id_of(from)]));
        assert_ok(&from.cli(&["CLUSTER", "SETSLOT", slot, "MIGRATING", &id_of(to)]));
    }

    /// Moves these keys of a slot that is on its way.
    pub fn migrate(&self, keys: &[&str], from: usize, to: usize) {
        let port = self.nodes[to].port.to_string();
        let migrate = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        let answer = self.nodes[from].cli(&[&migrate, keys].concat());
        assert!(matches!(answer.trim(), "OK" | "NOKEY"), "{answer}");
    }

    /// Moves a slot from one node to another, with all that is in it. How many keys that were.
    pub fn move_slot(&self, slot: &str, from: usize, to: usize) -> usize {
        self.begin_to_move(slot, from, to);
        let mut moved = 0;
        loop {
            let keys = self.nodes[from].cli(&["CLUSTER", "GETKEYSINSLOT", slot, "20"]);
            let keys: Vec<_> = keys.lines().filter(|key| !key.is_empty()).collect();
            if keys.is_empty() {
                break;
            }
            self.migrate(&keys, from, to);
            moved += keys.len();
        }
        // First the one that has it: else there would be a moment in which each says that the other has.
        let id = id_of(&self.nodes[to]);
        for node in [to, from] {
            assert_ok(&self.nodes[node].cli(&["CLUSTER", "SETSLOT", slot, "NODE", &id]));
        }
        moved
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

fn id_of(node: &Server) -> String {
    node.cli(&["CLUSTER", "MYID"]).trim().to_owned()
}

fn assert_ok(answer: &str) {
    assert_eq!(answer.trim(), "OK");
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
