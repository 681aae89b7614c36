//! One `narthex` process: started, asked whether it is ready, signalled, waited for.

use std::{
    fs::File,
    io,
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Uri;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time,
};

/// For so long a process may look for its addresses, and later for what it needs to be ready.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pid: Pid,
    /// Of a gateway: where clients connect.
    pub public: Option<SocketAddr>,
    admin: SocketAddr,
}

impl Process {
    /// Starts `program`, and reads where it listens. What it logs goes to `log`.
    ///
    /// # Errors
    /// When it cannot be started, or ends before it listens.
    pub async fn start(program: &Path, arguments: &[String], log: File) -> io::Result<Self> {
        let mut command = Command::new(program);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NARTHEX_"))
        {
            command.env_remove(name);
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            // Ctrl-C is for this process, which ends the others.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        let pid = pid.ok_or_else(|| io::Error::other("it has no pid"))?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let mut public = None;
        let admin = loop {
            let line = time::timeout(PATIENCE, lines.next_line()).await??;
            let line = line.ok_or_else(|| io::Error::other("it ended before it listened"))?;
            let address = |text: &str| text.parse().map_err(|_| io::Error::other(line.clone()));
            match line.split_once("://") {
                Some(("listen http" | "listen https", at)) => public = Some(address(at)?),
                Some(("admin http", at)) => break address(at)?,
                _ => return Err(io::Error::other(format!("an address was expected: {line}"))),
            }
        };
        Ok(Self { child, pid, public, admin })
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// When it ends, or takes too long.
    pub async fn ready(&mut self) -> io::Result<()> {
        let client: Client<HttpConnector, Empty<Bytes>> =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        let place: Uri = format!("http://{}/readyz", self.admin).parse().map_err(io::Error::other)?;
        let asking = async {
            loop {
                if let Ok(answer) = client.get(place.clone()).await
                    && answer.status().is_success()
                {
                    return;
                }
                time::sleep(BETWEEN_LOOKS).await;
            }
        };
        tokio::select! {
            () = asking => Ok(()),
            ended = self.child.wait() => Err(io::Error::other(format!("it ended before it was ready: {}", ended?))),
            () = time::sleep(PATIENCE) => Err(io::Error::other("it did not become ready in time")),
        }
    }

    /// Its number.
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(self.pid, signal)?)
    }

    /// As `kill -9`.
    ///
    /// # Errors
    /// When it had ended.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Whether it has ended, and how.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// A planned stop: asks it to end, and waits for that.
    ///
    /// # Errors
    /// When it does not end within `patience`.
    pub async fn stop(mut self, patience: Duration) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        time::timeout(patience, self.child.wait()).await?
    }
}
