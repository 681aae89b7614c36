//! Kafka nodes of our own. To start one takes seconds, so all tests of a process share one, if they do not break it.

use std::{
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::OnceCell,
};

use crate::certificates::{Authority, Issued};

static SHARED: OnceCell<Cluster> = OnceCell::const_new();
static SECURE: OnceCell<Secure> = OnceCell::const_new();

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
        Self::run(&[("NODES", &nodes.to_string()), ("WAYS", &ways)], &[]).await.0
    }

    /// Starts a cluster with these variables for the script, and returns what `more` of its own then are.
    async fn run(settings: &[(&str, &str)], more: &[&str]) -> (Self, Vec<String>) {
        let told = ["TEST_KAFKA", "TEST_KAFKA_PIDS"].iter().chain(more);
        let told: String = told.map(|variable| format!("echo \"${variable}\"; ")).collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-kafka");
        let mut script = Command::new(path)
            .args(["sh", "-c", &format!("{told} cat > /dev/null")])
            .envs(settings.iter().copied())
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
        let (addresses, pids) = (line().await, line().await.into());
        let mut rest = Vec::new();
        for _ in more {
            rest.push(line().await);
        }
        (Self { addresses, pids, _script: script }, rest)
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

/// One node that listens with TLS, too: as `localhost`, which is what its certificate names, and at no other name.
pub struct Secure {
    /// The node.
    pub cluster: Cluster,
    /// Where it knows [users](Self::USER) by password: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
    pub sasl: String,
    /// Where it knows by certificate whom the authority has signed.
    pub mtls: String,
    /// Whom it trusts, and who signed its own certificate.
    pub authority: Authority,
    /// With its certificate.
    _directory: TempDir,
}

impl Secure {
    /// The one whom it knows.
    pub const USER: &str = "narthex";

    /// The password of that.
    pub const PASSWORD: &str = "correct horse/battery";

    /// The one that all tests of this process share.
    ///
    /// # Panics
    /// When it cannot be started: what it said is on standard error.
    pub async fn shared() -> &'static Self {
        SECURE.get_or_init(Self::start).await
    }

    async fn start() -> Self {
        let (authority, directory) = (Authority::new(), TempDir::new().unwrap());
        let Issued { certificate, key } = authority.issue_for(&["localhost"]);
        for (name, content) in [("authority.pem", authority.pem()), ("node.pem", key + &certificate)] {
            std::fs::write(directory.path().join(name), content).unwrap();
        }
        let settings = [("CERTIFICATES", directory.path().to_str().unwrap())];
        let (cluster, more) = Cluster::run(&settings, &["TEST_KAFKA_SASL", "TEST_KAFKA_MTLS"]).await;
        let [sasl, mtls] = more.try_into().unwrap();
        Self { cluster, sasl, mtls, authority, _directory: directory }
    }
}
