//! A peer: what else carries the same tokens from the same model server, and how it is started.

use std::{io, net::TcpListener, path::Path, process::Stdio, time::Duration};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use load::{Dialect, Watched};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::scene::STREAMS;

/// It may take so long to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is known of a peer before it runs.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its folder in `bench/peers`.
    pub(crate) name: &'static str,
    /// What clients speak to it.
    pub(crate) dialect: Dialect,
    /// Where they connect, at its port.
    path: &'static str,
    /// Whether it carries tokens through the Redis of the stage.
    pub(crate) has_broker: bool,
    /// How many of them count: it tells the ids of so many.
    processes: usize,
    /// How many streams at 50 tokens/s it is measured with: not far more than it bears, as they would not end in time.
    pub(crate) streams: usize,
}

/// All peers.
pub(crate) const ALL: &[Kind] = &[
    Kind::by_pub_sub("fastapi"),
    Kind::by_pub_sub("node"),
    // With 200 streams it delivered 2,000 tokens/s of 10,000, and two streams of three did not end in time.
    Kind {
        name: "litellm",
        dialect: Dialect::Chat,
        path: "/v1",
        has_broker: false,
        processes: 1,
        streams: STREAMS / 10,
    },
];

impl Kind {
    /// A gateway, a worker, and Redis Pub/Sub between them.
    const fn by_pub_sub(name: &'static str) -> Self {
        Self { name, dialect: Dialect::Peer, path: "/ws", has_broker: true, processes: 2, streams: STREAMS }
    }
}

/// Takes the name of a peer.
pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Kind> {
    let names = ALL.iter().map(|kind| kind.name);
    PossibleValuesParser::new(names)
        .try_map(|name| ALL.iter().find(|kind| kind.name == name).ok_or("there is no such peer"))
}

/// A peer that runs. It is asked to end when this is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Where clients connect.
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
    pub(crate) async fn start(kind: &Kind, redis: Option<&str>, model: &str) -> io::Result<Self> {
        let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/peers");
        let program = peers.join(kind.name).join("run");
        // Between here and its start another may take the port; then it says so.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(&program)
            .envs(redis.map(|redis| ("REDIS_URL", redis)))
            .env("UPSTREAM_URL", model)
            .env("PORT", port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Ctrl-C is for this process, which ends the others.
            .process_group(0)
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("a peer without output"))?;
        let url = format!("http://127.0.0.1:{port}{}", kind.path);
        let mut peer = Self { url, watched: Vec::new(), child };
        let mut lines = BufReader::new(output).lines();
        for _ in 0..kind.processes {
            let line = timeout(PATIENCE, lines.next_line()).await??;
            let line = line.ok_or_else(|| io::Error::other("the peer ended before it was ready"))?;
            let pair =
                line.split_once(' ').and_then(|(name, pid)| Some((name.to_owned(), pid.parse().ok()?)));
            let (name, pid) = pair.ok_or_else(|| io::Error::other(format!("the peer said {line}")))?;
            peer.watched.push(Watched { name, pid });
        }
        Ok(peer)
    }

    /// Stops it, and waits until it has ended: what is measured next shall have the machine to itself.
    ///
    /// # Errors
    /// When it does not end, even killed.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        kill_process(pid, Signal::TERM)?;
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            kill_process_group(pid, Signal::KILL)?;
            self.child.wait().await?;
        }
        Ok(())
    }

    /// That of `run`, which leads a group of all its processes, while that runs.
    fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()))
    }
}

impl Drop for Peer {
    /// Asks it to end, as it has processes of its own to stop.
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}
