//! A Kafka cluster, of which one node at a time is struck.
//!
//! Clients go where a node says that the others are, so a proxy in front of a node would be left at once. So each process has a
//! listener of its own on each node, and that says to go to the proxies of this process.

use std::{io, time::Duration};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    metadata::Metadata,
};
use rustix::process::{Pid, Signal, kill_process};
use testkit::kafka::Cluster;
use tokio::{
    task::spawn_blocking,
    time::{self, Instant},
};

use super::Lines;

/// How long a node may take to be there again and in sync.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long the others may take to notice that a node was killed: its session is two seconds.
const NOTICED: Duration = Duration::from_secs(15);
const ANSWERED: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A cluster.
#[derive(Debug)]
pub(crate) struct Kafka {
    cluster: Cluster,
    nodes: u32,
}

impl Kafka {
    /// Starts nodes behind the proxies of `lines`.
    pub(super) async fn start(nodes: u32, lines: &[Lines]) -> Self {
        let ways: Vec<_> = lines.iter().map(Lines::addresses).collect();
        let cluster = Cluster::start_behind(nodes, &ways).await;
        for (lines, way) in lines.iter().zip(0..) {
            for (proxy, node) in lines.broker.iter().zip(1..) {
                proxy.lead_to(Some(cluster.entrance(node, way)));
            }
        }
        Self { cluster, nodes }
    }

    /// The node that is struck.
    pub(crate) const fn node(&self, target: usize) -> u32 {
        (target % self.nodes as usize) as u32 + 1
    }

    /// Sends a node a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn signal(&self, node: u32, signal: Signal) -> io::Result<()> {
        let pid = self.cluster.pid(node).try_into().ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.ok_or_else(|| io::Error::other("the node has no pid"))?, signal)?)
    }

    /// Ends a node by a signal, and waits until it has come back and is in sync: who strikes a second one before may take more than
    /// the replicas can bear.
    ///
    /// # Errors
    /// When it does not come back.
    pub(crate) async fn end(&self, node: u32, signal: Signal) -> io::Result<()> {
        let (pid, begin) = (self.cluster.pid(node), Instant::now());
        self.signal(node, signal)?;
        while self.cluster.pid(node) == pid {
            overdue(begin, PATIENCE, "the node does not end")?;
            time::sleep(BETWEEN_LOOKS).await;
        }
        // Before they have noticed, the others say that it is in sync.
        let killed = Instant::now();
        while self.nodes > 1 && killed.elapsed() < NOTICED && self.is_in_sync(node).await {
            time::sleep(BETWEEN_LOOKS).await;
        }
        self.in_sync(node).await
    }

    /// Waits until all replicas of all partitions are in sync, as the nodes say that were not struck.
    ///
    /// # Errors
    /// When that takes too long.
    pub(crate) async fn in_sync(&self, struck: u32) -> io::Result<()> {
        let begin = Instant::now();
        while !self.is_in_sync(struck).await {
            overdue(begin, PATIENCE, "the node is not in sync again")?;
            time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }

    async fn is_in_sync(&self, struck: u32) -> bool {
        let addresses = self.cluster.addresses.split(',').zip(1..);
        let others = addresses.filter(|(_, node)| self.nodes == 1 || *node != struck);
        let others: Vec<_> = others.map(|(address, _)| address).collect();
        let others = others.join(",");
        let asking = spawn_blocking(move || ask(&others));
        asking.await.is_ok_and(|answer| answer.is_ok_and(|metadata| is_whole(&metadata)))
    }
}

/// A new client knows only whom it shall ask.
fn ask(addresses: &str) -> Result<Metadata, KafkaError> {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", addresses).create()?;
    client.fetch_metadata(None, ANSWERED)
}

fn is_whole(metadata: &Metadata) -> bool {
    let mut partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    partitions.all(|partition| partition.leader() >= 0 && partition.isr().len() == partition.replicas().len())
}

fn overdue(since: Instant, patience: Duration, what: &str) -> io::Result<()> {
    if since.elapsed() < patience { Ok(()) } else { Err(io::Error::other(what.to_owned())) }
}

#[cfg(test)]
mod tests;
