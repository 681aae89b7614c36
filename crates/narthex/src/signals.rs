//! The signals that end this process: the first one drains, the second one does not wait.

use std::{fmt, process::ExitCode};

use tokio::signal::unix::{self, SignalKind};

use crate::failure::Failure;

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Someone pressed Ctrl-C.
    Interrupt,
    /// A supervisor asks for a planned stop.
    Terminate,
}

impl Signal {
    /// 128 and the number of the signal: what a shell reports for a process that a signal ended.
    const fn code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    /// As the outcome of `main`.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// Exits at once, whatever is still under way.
    pub(crate) fn exit(self) -> ! {
        tracing::warn!(signal = %self, "exiting without waiting for what still runs");
        std::process::exit(self.code().into())
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// The signals as they come.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    /// From now on signals no longer end the process by themselves.
    pub(crate) fn catch() -> Result<Self, Failure> {
        let catch = |kind| {
            unix::signal(kind)
                .map_err(|error| Failure::run_time(format!("cannot listen for signals: {error}")))
        };
        Ok(Self { interrupt: catch(SignalKind::interrupt())?, terminate: catch(SignalKind::terminate())? })
    }

    /// The next signal. Cancel safe: a signal that nobody waited for is told to the next caller.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}
