//! A gateway or a worker, through all of its lives: the place that one process after the other takes.

use std::{
    fs::File,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::process::Signal;
use testkit::process::Process;
use tokio::{sync::Mutex, time};

use super::{GATEWAY_DRAIN, Lines, WORKER_DRAIN};
use crate::{ledger::Ledger, proxy::Proxy};

/// How often a process that does not come up is started; the broker may be down meanwhile.
const MAX_STARTS: u32 = 40;
const BETWEEN_STARTS: Duration = Duration::from_millis(250);
/// How much longer than its drain a planned stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gateway,
    Worker,
}

/// The place of one process.
#[derive(Debug)]
pub(crate) struct Member {
    role: Role,
    /// Such as `gateway 1`.
    pub(crate) name: String,
    program: PathBuf,
    settings: PathBuf,
    logs: PathBuf,
    /// To the broker.
    pub(crate) lines: Lines,
    /// On the lines of clients, if it has any.
    pub(crate) clients: Option<Proxy>,
    /// Locked while somebody has it in hand.
    pub(crate) life: Mutex<Option<Process>>,
    starts: AtomicU32,
}

impl Member {
    pub(super) async fn new(
        role: Role,
        number: usize,
        program: &Path,
        settings: PathBuf,
        logs: &Path,
        lines: Lines,
    ) -> io::Result<Self> {
        let clients = match role {
            Role::Gateway => Some(Proxy::start(None).await?),
            Role::Worker => None,
        };
        Ok(Self {
            role,
            name: format!("{} {number}", role.name()),
            program: program.to_owned(),
            settings,
            logs: logs.to_owned(),
            lines,
            clients,
            life: Mutex::default(),
            starts: AtomicU32::new(0),
        })
    }

    /// Where its clients connect.
    pub(super) fn door(&self) -> Option<SocketAddr> {
        self.clients.as_ref().map(Proxy::address)
    }

    /// Starts a process in this place and waits until it is ready, again and again as a supervisor does. Clients are led to it.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) async fn up(&self, life: &mut Option<Process>, ledger: &Ledger) -> io::Result<()> {
        *life = Some(self.start(ledger).await?);
        Ok(())
    }

    async fn start(&self, ledger: &Ledger) -> io::Result<Process> {
        let mut last = None;
        for _ in 0..MAX_STARTS {
            match self.try_start().await {
                Ok(process) => {
                    if let (Some(clients), Some(public)) = (&self.clients, process.public) {
                        clients.lead_to(Some(public));
                    }
                    return Ok(process);
                }
                Err(error) => {
                    ledger.tell(format!("{} does not come up: {error}", self.name));
                    last = Some(error);
                }
            }
            time::sleep(BETWEEN_STARTS).await;
        }
        Err(last.unwrap_or_else(|| io::Error::other("never started")))
    }

    async fn try_start(&self) -> io::Result<Process> {
        let life = self.starts.fetch_add(1, Ordering::Relaxed);
        let log = self.logs.join(format!("{}-{life:03}.log", self.name.replace(' ', "-")));
        let mut arguments = vec![self.role.name().to_owned()];
        if self.role == Role::Gateway {
            arguments.extend(["--auth", "none", "--listen", "127.0.0.1:0"].map(str::to_owned));
        }
        let rest =
            [("--admin-listen", "127.0.0.1:0".to_owned()), ("--config", self.settings.display().to_string())];
        let rest = rest.into_iter().chain(self.lines.arguments());
        arguments.extend(rest.flat_map(|(flag, value)| [flag.to_owned(), value]));
        let mut process = Process::start(&self.program, &arguments, File::create(log)?).await?;
        process.ready().await?;
        Ok(process)
    }

    /// A planned stop, with a successor that is ready before.
    ///
    /// # Errors
    /// When the successor does not come up, or the predecessor does not end in time and well.
    pub(crate) async fn replace(&self, life: &mut Option<Process>, ledger: &Ledger) -> io::Result<()> {
        let successor = self.start(ledger).await?;
        let Some(predecessor) = life.replace(successor) else { return Ok(()) };
        let drain = match self.role {
            Role::Gateway => GATEWAY_DRAIN,
            Role::Worker => WORKER_DRAIN,
        };
        let status = predecessor.stop(drain + STOP_PATIENCE).await?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("a planned stop: {status}"))) }
    }

    /// Sends the process a signal.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub(crate) fn signal(&self, life: &Option<Process>, signal: Signal) -> io::Result<()> {
        life.as_ref().ok_or_else(|| io::Error::other("it is not there"))?.signal(signal)
    }

    /// Notes it if the process has ended by itself, which none may.
    pub(crate) fn check(&self, life: &mut Option<Process>, ledger: &Ledger) {
        if let Some(process) = life
            && let Ok(Some(status)) = process.ended()
        {
            ledger.fail("process_ended", &format!("{} ended by itself: {status}", self.name));
        }
    }
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Worker => "worker",
        }
    }
}
