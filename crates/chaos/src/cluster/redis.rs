//! Redis: one server, or the masters of a cluster.
//!
//! Clients of a cluster go where its nodes say that the others are, past any proxy. So these nodes tell their ports and no host, which
//! means: where I was asked. Each process has an address of its own on the loopback, and there a proxy for each node, at the node's port.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use testkit::redis::{Cluster, Server};
use tokio::{task::block_in_place, time};

use crate::arguments::Persistence;

/// What runs.
#[derive(Debug)]
pub(crate) enum Redis {
    Server(Box<Server>),
    Cluster(Cluster),
}

impl Redis {
    /// One server.
    pub(super) async fn start(persistence: Persistence, logs: &Path) -> Self {
        Self::Server(Box::new(Server::start_with(|_| arguments(persistence, logs)).await))
    }

    /// Three masters.
    pub(super) async fn start_cluster(persistence: Persistence, logs: &Path) -> Self {
        let arguments = arguments(persistence, logs);
        let no_host = ["--cluster-preferred-endpoint-type", "unknown-endpoint"];
        let arguments: Vec<_> = arguments.iter().map(String::as_str).chain(no_host).collect();
        Self::Cluster(Cluster::start(&arguments).await)
    }

    /// Where the nodes are.
    pub(super) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.nodes().iter().map(|node| node.address().parse().map_err(io::Error::other)).collect()
    }

    const fn nodes(&self) -> &[Server] {
        match self {
            Self::Server(server) => std::slice::from_ref(server),
            Self::Cluster(cluster) => cluster.nodes.as_slice(),
        }
    }

    /// The node that is struck, and what it is called.
    pub(crate) fn node(&self, target: usize) -> (usize, String) {
        match self {
            Self::Server(_) => (0, String::new()),
            Self::Cluster(cluster) => {
                let node = target % cluster.nodes.len();
                (node, format!("node {}, ", node + 1))
            }
        }
    }

    /// Kills a node, and starts it again after a while.
    ///
    /// # Errors
    /// When the cluster does not become whole again.
    pub(crate) async fn kill(&mut self, node: usize, away: Duration) -> io::Result<()> {
        let server = match self {
            Self::Server(server) => server,
            Self::Cluster(cluster) => &mut cluster.nodes[node],
        };
        server.kill();
        time::sleep(away).await;
        server.start_again().await;
        self.is_whole().await
    }

    /// Stops a node for a while.
    ///
    /// # Errors
    /// When it has ended, or the cluster does not become whole again.
    pub(crate) async fn freeze(&self, node: usize, lasts: Duration) -> io::Result<()> {
        let pid = self.nodes()[node].pid().try_into().ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("Redis has no pid"))?;
        kill_process(pid, Signal::STOP)?;
        time::sleep(lasts).await;
        kill_process(pid, Signal::CONT)?;
        self.is_whole().await
    }

    /// Moves a slot in which something is from one node to another, and tells what was moved.
    pub(crate) fn move_slot(&self, target: usize) -> String {
        let Self::Cluster(cluster) = self else { return "there is one node".to_owned() };
        let count = cluster.nodes.len();
        let (from, step) = (target % count, 1 + target / count % (count - 1));
        let to = (from + step) % count;
        // The commands wait for Redis, on this thread.
        block_in_place(|| {
            let source = &cluster.nodes[from];
            let key = source.cli(&["RANDOMKEY"]);
            if key.trim().is_empty() {
                return format!("node {} has nothing to move", from + 1);
            }
            let slot = source.cli(&["CLUSTER", "KEYSLOT", key.trim()]);
            let moved = cluster.move_slot(slot.trim(), from, to);
            format!("slot {} with {moved} keys from node {} to node {}", slot.trim(), from + 1, to + 1)
        })
    }

    async fn is_whole(&self) -> io::Result<()> {
        match self {
            Self::Cluster(cluster) if !cluster.becomes_whole().await => {
                Err(io::Error::other("the cluster does not become whole again"))
            }
            _ => Ok(()),
        }
    }
}

fn arguments(persistence: Persistence, logs: &Path) -> Vec<String> {
    let log = ["--logfile".to_owned(), logs.join("redis-{port}.log").display().to_string()];
    persistence.arguments().map(str::to_owned).into_iter().chain(log).collect()
}
