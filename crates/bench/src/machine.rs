//! On what it was measured: without that, figures mean nothing.

use std::{fs, io, path::Path, process::Command};

use serde::Serialize;

/// The machine, and what ran on it.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cpu: String,
    cores: usize,
    memory_bytes: u64,
    kernel: String,
    /// Processes that wanted to compute before this began, over a minute: more than a few tenths spoil latencies.
    load_before: f64,
    /// Of the sources that this program was started in.
    commit: String,
    narthex: String,
    redis: String,
}

impl Machine {
    pub(crate) fn look(program: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let number = |text: &str| {
            text.split_whitespace().find_map(|word| word.parse::<f64>().ok()).unwrap_or_default()
        };
        let line = |path: &str, name: &str| {
            let text = read(path);
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.map(|line| line.trim_start_matches([':', ' ', '\t']).to_owned()).unwrap_or_default()
        };
        Self {
            cpu: line("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            memory_bytes: number(&line("/proc/meminfo", "MemTotal")) as u64 * 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_before: number(&read("/proc/loadavg")),
            commit: said("git", &["describe", "--always", "--dirty"]),
            narthex: said(&program.display().to_string(), &["--version"]),
            redis: said("redis-server", &["--version"]),
        }
    }
}

/// Connections that one process can hold here: as many as it may have open files, but a twentieth for all else.
///
/// # Errors
/// When the system does not tell.
pub(crate) fn connections_of_a_process() -> io::Result<usize> {
    let files = rlimit::Resource::NOFILE.get_hard()?;
    Ok(usize::try_from(files - files / 20).unwrap_or(usize::MAX).max(1))
}

/// What a program says, if it is there.
fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
