//! What a process takes, as the system tells it.

use std::{io, time::Duration};

use procfs::process::Process;
use tokio::time;

const LOOK: Duration = Duration::from_millis(100);

/// A process to look at.
#[derive(Debug)]
pub(super) struct Gauge(Process);

impl Gauge {
    pub(super) fn of(pid: i32) -> io::Result<Self> {
        Ok(Self(Process::new(pid).map_err(io::Error::other)?))
    }

    pub(super) fn of_this_process() -> io::Result<Self> {
        Ok(Self(Process::myself().map_err(io::Error::other)?))
    }

    /// The time that it has computed.
    pub(super) fn cpu(&self) -> io::Result<Duration> {
        let stat = self.0.stat().map_err(io::Error::other)?;
        Ok(Duration::from_secs_f64((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64))
    }

    /// The most memory that it has while something happens, in bytes.
    pub(super) async fn watch<T>(&self, what: impl Future<Output = T>) -> (u64, T) {
        let (mut what, mut most, mut looks) = (std::pin::pin!(what), 0, time::interval(LOOK));
        loop {
            tokio::select! {
                done = &mut what => return (most, done),
                _ = looks.tick() => {
                    let pages = self.0.statm().map_or(0, |statm| statm.resident);
                    most = most.max(pages * procfs::page_size());
                }
            }
        }
    }
}
