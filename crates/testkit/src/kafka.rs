//! Kafka nodes of our own. To start one takes seconds, so all tests of a process share one, if they do not break it.

use std::{
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::OnceCell,
};

static SHARED: OnceCell<Cluster> = OnceCell::const_new();

/// A cluster that runs.
#[derive(Debug)]
pub struct Cluster {
    /// Its nodes: `host:port`, with commas.
    pub addresses: String,
    /// The folder with the numbers of their processes.
    pids: PathBuf,
    /// The nodes end when the input of this closes: when it is dropped, or with this process, however that ends.
    _script: Child,
}

impl Cluster {
    /// The one node that all tests of this process share.
    ///
    /// # Panics
    /// When it cannot be started: what it said is on standard error.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(|| Self::start(1)).await
    }

    /// A cluster of one's own, to be broken.
    ///
    /// # Panics
    /// When it cannot be started: what it said is on standard error.
    pub async fn start(nodes: u32) -> Self {
        Self::start_behind(nodes, &[]).await
    }

    /// A cluster with more ways into it. Clients go where a node says that the others are: who comes in by a way is led to these
    /// addresses of the loopback, one for each node, where the caller's proxies listen.
    ///
    /// # Panics
    /// When it cannot be started: what it said is on standard error.
    pub async fn start_behind(nodes: u32, ways: &[Vec<SocketAddr>]) -> Self {
        let ports = |way: &Vec<SocketAddr>| {
            way.iter().map(|address| address.port().to_string()).collect::<Vec<_>>().join(",")
        };
        let ways = ways.iter().map(ports).collect::<Vec<_>>().join(" ");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-kafka");
        let mut script = Command::new(path)
            .args(["sh", "-c", "echo \"$TEST_KAFKA\"; echo \"$TEST_KAFKA_PIDS\"; cat > /dev/null"])
            .env("NODES", nodes.to_string())
            .env("WAYS", ways)
            // Ctrl-C is for this process. When that ends, so does the cluster.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-kafka");
        let said = tokio::process::ChildStdout::from_std(script.stdout.take().unwrap()).unwrap();
        let mut lines = BufReader::new(said).lines();
        let mut line = async || {
            let line = lines.next_line().await.unwrap();
            line.expect("a Kafka cluster: `scripts/install kafka` installs what it needs")
        };
        Self { addresses: line().await, pids: line().await.into(), _script: script }
    }

    /// Where a node, counted from 1, listens for those who come in by a way, counted from 0.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn entrance(&self, node: u32, way: u16) -> SocketAddr {
        let own: SocketAddr = self.addresses.split(',').nth(node as usize - 1).unwrap().parse().unwrap();
        SocketAddr::new(own.ip(), own.port() + 2 + way)
    }

    /// The number of a node's process, until that ends.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn pid(&self, node: u32) -> u32 {
        std::fs::read_to_string(self.pids.join(node.to_string())).unwrap().parse().unwrap()
    }

    /// Ends a node, counted from 1, as `kill -9` does. It comes back by itself, on what it has left, in a few seconds.
    ///
    /// # Panics
    /// When there is no such node to kill.
    pub fn kill(&self, node: u32) {
        let pid = self.pid(node).to_string();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }
}
