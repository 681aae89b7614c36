//! A peer: what else carries the same tokens from the same model server through the same Redis.

use std::{io, net::TcpListener, path::Path, process::Stdio, time::Duration};

use load::Watched;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// It may take so long to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A peer that runs. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Of its WebSocket.
    pub(crate) url: String,
    /// Its processes.
    pub(crate) watched: Vec<Watched>,
    child: Child,
}

impl Peer {
    /// Starts `bench/peers/NAME/run`.
    ///
    /// # Errors
    /// When it does not come up: what it said is on the standard error.
    pub(crate) async fn start(name: &str, redis: &str, model: &str) -> io::Result<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/peers").join(name).join("run");
        // Between here and its start another may take the port; then it says so.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(&program)
            .env("REDIS_URL", redis)
            .env("UPSTREAM_URL", model)
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Ctrl-C is for this process, which ends the others.
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("a peer without output"))?;
        let mut peer = Self { url: format!("ws://127.0.0.1:{port}/ws"), watched: Vec::new(), child };
        let mut lines = BufReader::new(output).lines();
        for _ in 0..2 {
            let line = timeout(PATIENCE, lines.next_line()).await??;
            let line = line.ok_or_else(|| io::Error::other("the peer ended before it was ready"))?;
            let pair =
                line.split_once(' ').and_then(|(name, pid)| Some((name.to_owned(), pid.parse().ok()?)));
            let (name, pid) = pair.ok_or_else(|| io::Error::other(format!("the peer said {line}")))?;
            peer.watched.push(Watched { name, pid });
        }
        Ok(peer)
    }
}

impl Drop for Peer {
    /// Asks it to end, as it has processes of its own to stop.
    fn drop(&mut self) {
        let pid = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
}
