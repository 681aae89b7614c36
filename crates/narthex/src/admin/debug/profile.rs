//! Where the processor's time goes: samples of all threads' stacks, by a timer of the system.

mod pprof_format;

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use pprof::{ProfilerGuardBuilder, Report};

/// Samples in a second. Not 100, so that what happens every 10 ms is not always, or never, caught.
const FREQUENCY_HZ: i32 = 99;

/// How a profile is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For `go tool pprof` and whatever else reads its `profile.proto`.
    Pprof,
    /// One stack to a line, outermost first, and how often it was seen: for flame graphs.
    Folded,
}

impl Format {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Pprof => "application/octet-stream",
            Self::Folded => super::super::TEXT,
        }
    }
}

/// Samples this process for so long. The caller sees to it that there is only one at a time.
pub(super) async fn take(duration: Duration, format: Format) -> pprof::Result<Vec<u8>> {
    // A sample within these libraries is left out: to unwind from there could take a lock that is held.
    let blocklist = ["libc", "libgcc", "pthread", "vdso"];
    let profiler = ProfilerGuardBuilder::default().frequency(FREQUENCY_HZ).blocklist(&blocklist).build()?;
    tokio::time::sleep(duration).await;
    // To find the names of functions takes a while.
    let named = tokio::task::spawn_blocking(move || {
        let report = profiler.report().build()?;
        Ok(match format {
            Format::Pprof => pprof_format::encode(&report, duration, FREQUENCY_HZ),
            Format::Folded => folded(&report).into_bytes(),
        })
    });
    named.await.unwrap_or(Err(pprof::Error::CreatingError))
}

/// The stacks of a report, each with how often it was seen: the thread's name, then functions from the outermost.
fn stacks(report: &Report) -> BTreeMap<Vec<String>, i64> {
    let mut stacks = BTreeMap::new();
    for (frames, count) in &report.data {
        let functions = frames.frames.iter().rev().flat_map(|frame| frame.iter().rev());
        let stack: Vec<String> =
            std::iter::once(frames.thread_name_or_id()).chain(functions.map(pprof::Symbol::name)).collect();
        *stacks.entry(stack).or_default() += *count as i64;
    }
    stacks
}

fn folded(report: &Report) -> String {
    let mut page = String::new();
    for (stack, count) in stacks(report) {
        let stack: Vec<String> = stack.iter().map(|name| name.replace([';', '\n'], ":")).collect();
        // Cannot fail: a string takes whatever is written.
        let _ = writeln!(page, "{} {count}", stack.join(";"));
    }
    page
}
