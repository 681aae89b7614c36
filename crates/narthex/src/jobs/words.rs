//! How jobs are told of: the same words in tables, in JSON and in sentences.

use std::time::Duration;

use broker::{JobEntry, JobState, Kind};

/// Where a job is, in a word.
pub(super) const fn state(entry: &JobEntry) -> &'static str {
    match entry.state {
        JobState::Waiting => "waiting",
        JobState::Claimed { .. } => "claimed",
        JobState::Dead { .. } => "dead",
    }
}

/// What is to be known about where it is.
pub(super) fn note(entry: &JobEntry) -> String {
    match &entry.state {
        JobState::Waiting => String::new(),
        JobState::Claimed { worker, quiet } => format!("by {worker}, heard from {} ago", duration(*quiet)),
        JobState::Dead { reason, since } => format!("died {} ago: {reason}", duration(*since)),
    }
}

/// What is to be produced, in a word.
pub(super) const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Response => "response",
        Kind::Compaction => "compaction",
    }
}

/// A duration for people: to the second, and in no more than two units.
pub(super) fn duration(duration: Duration) -> String {
    let whole = humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string();
    whole.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A duration for programs.
pub(super) const fn millis(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
