//! What processes take, as the system tells it: time to compute, and memory. On Linux only.

use std::{io, time::Duration};

/// Processes to be measured under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// What they are called in the report.
    pub name: String,
    /// One of them.
    pub pid: u32,
}

/// What one name's processes took together, at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Taken {
    /// User and system time since they began.
    pub(crate) cpu: Duration,
    /// Resident memory, in bytes.
    pub(crate) memory: u64,
}

/// Looks at processes.
#[derive(Debug)]
pub struct Watch {
    /// In the order in which the names came.
    pub(crate) groups: Vec<Group>,
}

/// Processes of one name.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) pids: Vec<u32>,
    /// Before anything began.
    pub(crate) before: Taken,
}

impl Watch {
    /// Takes a first look, before anything begins.
    ///
    /// # Errors
    /// When there is no such process, or it cannot be seen.
    pub fn begin(watched: Vec<Watched>) -> io::Result<Self> {
        let mut groups: Vec<Group> = Vec::new();
        for Watched { name, pid } in watched {
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.pids.push(pid),
                None => groups.push(Group { name, pids: vec![pid], before: Taken::default() }),
            }
        }
        for group in &mut groups {
            group.before = group.look()?;
        }
        Ok(Self { groups })
    }

    /// What all have taken so far, by groups.
    pub(crate) fn look(&self) -> io::Result<Vec<Taken>> {
        self.groups.iter().map(Group::look).collect()
    }
}

impl Group {
    pub(crate) fn look(&self) -> io::Result<Taken> {
        look(&self.pids).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.name)))
    }
}

#[cfg(target_os = "linux")]
pub(crate) fn look(pids: &[u32]) -> io::Result<Taken> {
    let mut all = Taken::default();
    for pid in pids {
        let process = i32::try_from(*pid).map_err(io::Error::other)?;
        let process = procfs::process::Process::new(process).map_err(io::Error::other)?;
        let stat = process.stat().map_err(io::Error::other)?;
        all.cpu +=
            Duration::from_secs_f64((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64);
        all.memory += stat.rss * procfs::page_size();
    }
    Ok(all)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn look(pids: &[u32]) -> io::Result<Taken> {
    match pids {
        [] => Ok(Taken::default()),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "what processes take is only told by Linux")),
    }
}
