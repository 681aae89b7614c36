//! Kafka nodes of our own. To start one takes seconds, so all tests of a process share one, if they do not break it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    sync::OnceCell,
};

static NODE: OnceCell<Node> = OnceCell::const_new();

/// A node that runs.
#[derive(Debug)]
pub struct Node {
    /// `host:port`.
    pub address: String,
    /// The file with its process's number.
    pid: PathBuf,
    /// The node ends when the input of its script closes: when this is dropped, or with this process, however that ends.
    _script: Child,
}

impl Node {
    /// The node of this process.
    ///
    /// # Panics
    /// When it cannot be started: what it said is on standard error.
    pub async fn shared() -> &'static Self {
        NODE.get_or_init(Self::start).await
    }

    /// A node of one's own, to be broken.
    ///
    /// # Panics
    /// When it cannot be started: what it said is on standard error.
    pub async fn start() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-kafka");
        let mut script = Command::new(path)
            .args(["sh", "-c", "echo \"$TEST_KAFKA\"; echo \"$TEST_KAFKA_PID\"; cat > /dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-kafka");
        let said = tokio::process::ChildStdout::from_std(script.stdout.take().unwrap()).unwrap();
        let mut lines = BufReader::new(said).lines();
        let mut line = async || {
            let line = lines.next_line().await.unwrap();
            line.expect("a Kafka node: `scripts/install kafka` installs what it needs")
        };
        Self { address: line().await, pid: line().await.into(), _script: script }
    }

    /// Ends the node as `kill -9` does. It comes back by itself, on what it has left, in a few seconds.
    ///
    /// # Panics
    /// When there is no node to kill.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(&self.pid).unwrap();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }
}
