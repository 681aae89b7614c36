//! What came of everything: counted, and of what went wrong enough kept to understand it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    plan::Kind,
    tape::{Tape, WrongKind},
};

/// Of more failures only the numbers are kept.
const MAX_FAILURES: usize = 20;
/// What happened to the cluster is told of so long before a failure.
const AROUND: Duration = Duration::from_secs(10);
/// Lines of what happened to the cluster; the oldest are forgotten.
const MAX_JOURNAL: usize = 1_000;

/// Shared by all clients and by whoever strikes.
#[derive(Debug)]
pub(crate) struct Ledger {
    started: Instant,
    /// Whether the time between tokens is kept.
    measures: bool,
    totals: Mutex<Totals>,
}

/// The numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    /// Streams that were asked for.
    pub(crate) begun: u64,
    /// Streams that came to their end, good or bad.
    pub(crate) ended: u64,
    /// Different events that clients have heard of them.
    pub(crate) events: u64,
    /// Tokens in those that completed.
    pub(crate) tokens: u64,
    /// Times that a client went on, or began again, on another connection.
    pub(crate) reconnections: u64,
    /// Answers that told a client to try again, by their code.
    pub(crate) refusals: BTreeMap<String, u64>,
    /// Faults that were begun.
    pub(crate) faults: BTreeMap<Kind, u64>,
    /// Events that were never told.
    pub(crate) lost: u64,
    /// Events that were told twice.
    pub(crate) repeated: u64,
    /// Events that were told too late.
    pub(crate) reordered: u64,
    /// Events that said something else than they must.
    pub(crate) altered: u64,
    /// Responses with another usage than their input once and their output as it was told.
    pub(crate) miscounted: u64,
    /// Responses that did not complete, and what else must not happen, by code.
    pub(crate) failed: BTreeMap<String, u64>,
    /// When tokens came, and how long after the one before, if that is measured.
    pub(crate) gaps: Vec<(Instant, Duration)>,
    /// The longest wait for the next event, of each stream that has ended.
    pub(crate) stalls: Vec<Duration>,
    /// The longest of all.
    pub(crate) longest_stall: Duration,
    /// Whose that was, and what happened meanwhile.
    pub(crate) longest_stall_story: String,
    /// What went wrong, in sentences.
    pub(crate) failures: Vec<String>,
    journal: VecDeque<(Duration, String)>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), measures: false, totals: Mutex::default() }
    }

    /// One that keeps the time between tokens.
    pub(crate) fn measuring() -> Self {
        Self { measures: true, ..Self::new() }
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The numbers as they are now.
    pub(crate) fn totals(&self) -> Totals {
        self.totals.lock().clone()
    }

    /// The numbers that move while it runs: streams under way, streams ended, things gone wrong.
    pub(crate) fn glance(&self) -> (u64, u64, u64) {
        let totals = self.totals.lock();
        (totals.begun - totals.ended, totals.ended, totals.wrongs())
    }

    pub(crate) fn begin_stream(&self) {
        self.totals.lock().begun += 1;
    }

    pub(crate) fn reconnected(&self) {
        self.totals.lock().reconnections += 1;
    }

    pub(crate) fn refused(&self, code: &str) {
        *self.totals.lock().refusals.entry(code.to_owned()).or_default() += 1;
    }

    /// A fault begins.
    pub(crate) fn fault(&self, kind: Kind, detail: &str) {
        *self.totals.lock().faults.entry(kind).or_default() += 1;
        self.tell(format!("{kind} {detail}"));
    }

    /// Something happened to the cluster.
    pub(crate) fn tell(&self, line: impl Into<String>) {
        let at = self.elapsed();
        let mut totals = self.totals.lock();
        if totals.journal.len() == MAX_JOURNAL {
            totals.journal.pop_front();
        }
        totals.journal.push_back((at, line.into()));
    }

    /// Something that has to do with no stream must not have happened.
    pub(crate) fn fail(&self, code: &str, detail: &str) {
        let at = self.elapsed();
        let mut totals = self.totals.lock();
        *totals.failed.entry(code.to_owned()).or_default() += 1;
        let around = totals.around(at);
        totals.remember(format!("{code}: {detail}\n{around}"));
    }

    /// A stream has come to its end.
    pub(crate) fn settle(&self, tape: &Tape) {
        let at = self.elapsed();
        let mut totals = self.totals.lock();
        totals.ended += 1;
        totals.events += tape.events();
        totals.stalls.push(tape.longest_stall);
        if self.measures {
            totals.gaps.extend_from_slice(&tape.gaps);
        }
        if tape.longest_stall > totals.longest_stall {
            let until = tape.longest_stall_until - self.started;
            let around = totals.between(until.saturating_sub(tape.longest_stall + AROUND), until);
            totals.longest_stall = tape.longest_stall;
            totals.longest_stall_story = story(tape, until, &around);
        }
        if tape.wrongs.is_empty() {
            totals.tokens += tape.order.tokens;
            return;
        }
        for wrong in &tape.wrongs {
            match &wrong.kind {
                WrongKind::Lost => totals.lost += wrong.events,
                WrongKind::Repeated => totals.repeated += wrong.events,
                WrongKind::Reordered => totals.reordered += wrong.events,
                WrongKind::Altered => totals.altered += wrong.events,
                WrongKind::Miscounted => totals.miscounted += wrong.events,
                WrongKind::Failed(code) => *totals.failed.entry(code.clone()).or_default() += wrong.events,
            }
        }
        let story = story(tape, at, &totals.around(at));
        totals.remember(story);
    }
}

impl Totals {
    /// How much must not have happened.
    pub(crate) fn wrongs(&self) -> u64 {
        let Self { lost, repeated, reordered, altered, miscounted, failed, .. } = self;
        lost + repeated + reordered + altered + miscounted + failed.values().sum::<u64>()
    }

    /// Of this share of all streams the longest wait was no longer.
    pub(crate) fn stall(&self, share: f64) -> Duration {
        let mut stalls = self.stalls.clone();
        stalls.sort();
        let at = (stalls.len() as f64 * share) as usize;
        stalls.get(at.min(stalls.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    fn remember(&mut self, story: String) {
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(story);
        }
    }

    /// What happened to the cluster shortly before.
    fn around(&self, at: Duration) -> String {
        self.between(at.saturating_sub(AROUND), at)
    }

    fn between(&self, from: Duration, to: Duration) -> String {
        let recent = self.journal.iter().filter(|(then, _)| (from..=to).contains(then));
        recent.map(|(then, line)| format!("    {:9.3} {line}\n", then.as_secs_f64())).collect()
    }
}

/// A stream's life, as far as it is known, in lines.
fn story(tape: &Tape, at: Duration, around: &str) -> String {
    let id = tape.id.as_deref().unwrap_or("no id yet");
    let mut story = format!("{} ({id}), at {:.3} s:\n", tape.order.key, at.as_secs_f64());
    for wrong in tape.wrongs.iter().take(8) {
        story.push_str(&format!("  {:?} ({}): {}\n", wrong.kind, wrong.events, wrong.detail));
    }
    story.push_str("  its connections:\n");
    for note in &tape.notes {
        story.push_str(&format!("    {note}\n"));
    }
    story + "  the cluster:\n" + around
}
