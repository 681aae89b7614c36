//! A Kafka node of our own, for as long as this process lives: to start one takes seconds, so all tests of a process share it.

use std::{
    path::Path,
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
    /// The node ends when the input of its script closes: with this process, however that ends.
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

    async fn start() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/with-kafka");
        let mut script = Command::new(path)
            .args(["sh", "-c", "echo \"$TEST_KAFKA\"; cat > /dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("scripts/with-kafka");
        let said = tokio::process::ChildStdout::from_std(script.stdout.take().unwrap()).unwrap();
        let address = BufReader::new(said).lines().next_line().await.unwrap();
        let address = address.expect("a Kafka node: `scripts/install kafka` installs what it needs");
        Self { address, _script: script }
    }
}
