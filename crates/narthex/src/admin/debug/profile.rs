//! Where the processor's time goes: samples of all threads' stacks, by a timer of the system.

use std::{collections::BTreeMap, time::Duration};

use pprof::{ProfilerGuardBuilder, Report};
use tokio::sync::OwnedSemaphorePermit;

use super::stacks::Stacks;

/// Samples in a second. Not 100, so that what happens every 10 ms is not always, or never, caught.
const FREQUENCY_HZ: i32 = 99;

/// Samples this process for so long. `alone`, of which there is one, is given back when that has ended, however it does.
pub(super) async fn take(duration: Duration, alone: OwnedSemaphorePermit) -> Result<Stacks, String> {
    // A sample within these libraries is left out: to unwind from there could take a lock that is held.
    let blocklist = ["libc", "libgcc", "pthread", "vdso"];
    let profiler = ProfilerGuardBuilder::default().frequency(FREQUENCY_HZ).blocklist(&blocklist).build();
    let profiler = profiler.map_err(|error| error.to_string())?;
    tokio::time::sleep(duration).await;
    // To find the names of functions takes a while.
    let named = tokio::task::spawn_blocking(move || {
        // Given back in this order.
        let (_alone, profiler) = (alone, profiler);
        profiler.report().build().map(|report| stacks(&report, duration)).map_err(|error| error.to_string())
    });
    named.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// The stacks of a report: the thread's name, then functions from the outermost.
fn stacks(report: &Report, duration: Duration) -> Stacks {
    let period = 1_000_000_000 / i64::from(FREQUENCY_HZ);
    let mut all = BTreeMap::<_, [i64; 2]>::new();
    for (frames, count) in &report.data {
        let functions = frames.frames.iter().rev().flat_map(|frame| frame.iter().rev());
        let stack: Vec<String> =
            std::iter::once(frames.thread_name_or_id()).chain(functions.map(pprof::Symbol::name)).collect();
        let [samples, time] = all.entry(stack).or_default();
        *samples += *count as i64;
        *time += *count as i64 * period;
    }
    Stacks { all, measures: [("samples", "count"), ("cpu", "nanoseconds")], duration, period }
}
