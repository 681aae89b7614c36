//! What a run comes to, in one line for people or one object for programs.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::ledger::Totals;

/// The figures of one run.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) seed: u64,
    pub(crate) totals: Totals,
    pub(crate) elapsed: Duration,
    /// Calls that the model servers still answered when all streams had ended.
    pub(crate) calls_left: u64,
    /// Codes with which responses may fail.
    pub(crate) allowed: Vec<String>,
}

impl Figures {
    /// Whether nothing happened that must not.
    pub(crate) fn is_good(&self) -> bool {
        let Totals { lost, repeated, reordered, altered, miscounted, failed, begun, ended, .. } =
            &self.totals;
        lost + repeated + reordered + altered + miscounted + self.calls_left == 0
            && begun == ended
            && failed.keys().all(|code| self.allowed.contains(code))
    }

    /// One line.
    pub(crate) fn line(&self) -> String {
        let Totals { lost, repeated, reordered, altered, miscounted, failed, .. } = &self.totals;
        let mut line = format!(
            "seed {}: {} streams, {} tokens, {} reconnections; {} faults in {:.0} s{}; \
             lost {lost}, repeated {repeated}, reordered {reordered}, altered {altered}, miscounted {miscounted}, \
             failed {}{}; \
             longest stall {:.1} s (of half of the streams {:.1} s, of 99 % {:.1} s)",
            self.seed,
            self.totals.ended,
            self.totals.tokens,
            self.totals.reconnections,
            self.totals.faults.values().sum::<u64>(),
            self.elapsed.as_secs_f64(),
            list(&self.totals.faults),
            failed.values().sum::<u64>(),
            list(failed),
            self.totals.longest_stall.as_secs_f64(),
            self.totals.stall(0.5).as_secs_f64(),
            self.totals.stall(0.99).as_secs_f64(),
        );
        if self.totals.begun > self.totals.ended {
            line += &format!("; {} never ended", self.totals.begun - self.totals.ended);
        }
        if self.calls_left > 0 {
            line += &format!("; {} calls of the model left running", self.calls_left);
        }
        line
    }

    /// One object.
    pub(crate) fn json(&self) -> Value {
        let totals = &self.totals;
        let faults: BTreeMap<_, _> = totals.faults.iter().map(|(kind, count)| (kind.name(), count)).collect();
        json!({
            "good": self.is_good(), "seed": self.seed, "seconds": self.elapsed.as_secs_f64(),
            "streams": totals.ended, "never_ended": totals.begun - totals.ended,
            "events": totals.events, "tokens": totals.tokens,
            "reconnections": totals.reconnections, "refusals": totals.refusals,
            "faults": faults,
            "lost": totals.lost, "repeated": totals.repeated, "reordered": totals.reordered,
            "altered": totals.altered, "miscounted": totals.miscounted, "failed": totals.failed, "allowed": self.allowed,
            "calls_left": self.calls_left,
            "median_stall_seconds": totals.stall(0.5).as_secs_f64(),
            "p99_stall_seconds": totals.stall(0.99).as_secs_f64(),
            "longest_stall_seconds": totals.longest_stall.as_secs_f64(), "longest_stall_story": totals.longest_stall_story,
            "failures": totals.failures,
        })
    }
}

/// ` (this 3, that 4)`, or nothing.
fn list<K: std::fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    let all: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}
