//! Instructions, as Valgrind's Callgrind counts them.

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Case, EVENTS};

/// A case is run so often at first, and not counted: buffers grow to their size, and connections are made.
const WARM_UP: u64 = 2;

/// Then it is run so often.
const COUNTED: u64 = 4;

/// What glibc chooses by the processor that it finds is the same everywhere: bytes are copied by SSE2.
const PROCESSOR: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-ERMS,-FSRM";

/// How many instructions one event takes in `case`: the difference of two counts, one of which is longer by some runs. So
/// neither the program's start nor what a case prepares is in it.
///
/// `program` is run as `program run CASE RUNS`; the profile of the longer run stays in `folder`, for `callgrind_annotate`.
///
/// # Errors
/// When Valgrind cannot be started, or does not end well.
pub fn count(program: &Path, case: &Case, folder: &Path) -> io::Result<u64> {
    let short = instructions(program, case, WARM_UP, folder)?;
    let long = instructions(program, case, WARM_UP + COUNTED, folder)?;
    Ok((long - short) / (COUNTED * EVENTS))
}

fn instructions(program: &Path, case: &Case, runs: u64, folder: &Path) -> io::Result<u64> {
    let profile = folder.join(format!("{case}.callgrind"));
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", profile.display()));
    valgrind.arg(program).args(["run", case.name, &runs.to_string()]);
    // What the environment says is on the stack, and would move what comes after it.
    let path = std::env::var_os("PATH").unwrap_or_default();
    valgrind.env_clear().env("PATH", path).env("GLIBC_TUNABLES", PROCESSOR).stdin(Stdio::null());
    let ended = valgrind.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(error.kind(), "valgrind is missing: scripts/install micro"),
        _ => error,
    })?;
    if !ended.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&ended.stderr).into_owned()));
    }
    let profile = fs::read_to_string(profile)?;
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.ok_or_else(|| io::Error::other("callgrind has told no total"))
}
