//! What a scene of abuse came to: what honest clients noticed, what the gateway took, and how each attack was answered.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::attack::{Attack, Tallies};
use crate::{arguments::Format, ledger::Totals};

/// With fewer tokens a percentile says nothing.
const ENOUGH: usize = 1_000;

/// Of each so long there is a percentile of its own. What else the machine has to do comes in bursts, and the middle one of many
/// percentiles does not know of them; so that it hides no bursts of the abusers' either, the percentile of all may be no more than
/// [`SLACK`] times as far off.
const SLICE: Duration = Duration::from_secs(1);
const SLACK: f64 = 2.0;

/// A time of quiet, or of abuse.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) is_abused: bool,
    pub(super) from: Instant,
    pub(super) until: Instant,
    /// The most memory of the gateway, in bytes.
    pub(super) most_memory: u64,
    /// What the gateway computed.
    pub(super) cpu: Duration,
}

/// All that was measured and counted.
#[derive(Debug)]
pub(crate) struct Report {
    pub(super) windows: Vec<Window>,
    pub(super) attacks: Vec<Attack>,
    pub(super) tallies: Tallies,
    pub(super) attackers_cpu: Duration,
    /// Of the honest clients.
    pub(super) totals: Totals,
    pub(super) all_ended: bool,
    pub(super) max_ratio: f64,
    /// In bytes.
    pub(super) max_growth: u64,
    pub(super) gateway_lives: bool,
}

/// What was measured while it was quiet, or while it was not.
#[derive(Debug)]
struct Side {
    /// The waits between two tokens of a stream, in order.
    gaps: Vec<Duration>,
    /// The 99th percentile of a usual second.
    usual: Duration,
    most_memory: u64,
    /// Of one core.
    gateway_share: f64,
    time: Duration,
}

impl Side {
    fn at(&self, share: f64) -> Duration {
        quantile(&self.gaps, share)
    }
}

/// Of what is in order.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

impl Report {
    fn side(&self, is_abused: bool) -> Side {
        let windows = || self.windows.iter().filter(move |window| window.is_abused == is_abused);
        let mut slices: BTreeMap<_, Vec<Duration>> = BTreeMap::new();
        for (at, gap) in &self.totals.gaps {
            let found = windows().enumerate().find(|(_, window)| (window.from..window.until).contains(at));
            if let Some((number, window)) = found {
                let slice = (*at - window.from).as_nanos() / SLICE.as_nanos();
                slices.entry((number, slice)).or_default().push(*gap);
            }
        }
        let most = slices.values_mut().map(|slice| {
            slice.sort();
            quantile(slice, 0.99)
        });
        let mut most: Vec<_> = most.collect();
        most.sort();
        let mut gaps: Vec<_> = slices.into_values().flatten().collect();
        gaps.sort();
        let time: Duration = windows().map(|window| window.until - window.from).sum();
        let cpu: Duration = windows().map(|window| window.cpu).sum();
        Side {
            gaps,
            usual: quantile(&most, 0.5),
            most_memory: windows().map(|window| window.most_memory).max().unwrap_or_default(),
            gateway_share: cpu.as_secs_f64() / time.as_secs_f64().max(f64::MIN_POSITIVE),
            time,
        }
    }

    /// How many times as long as undisturbed the percentile is: of a usual second, and of all.
    fn ratios(&self) -> [f64; 2] {
        let (quiet, abused) = (self.side(false), self.side(true));
        let ratio = |quiet: Duration, abused: Duration| {
            abused.as_secs_f64() / quiet.as_secs_f64().max(f64::MIN_POSITIVE)
        };
        [ratio(quiet.usual, abused.usual), ratio(quiet.at(0.99), abused.at(0.99))]
    }

    /// Whether all was as it must be.
    pub(crate) fn is_good(&self) -> bool {
        self.wrongs().is_empty()
    }

    /// What was not as it must be, in sentences.
    fn wrongs(&self) -> Vec<String> {
        let (quiet, abused, [usual, whole]) = (self.side(false), self.side(true), self.ratios());
        let mut wrongs = Vec::new();
        let mut check = |is_good: bool, what: String| wrongs.extend((!is_good).then_some(what));
        check(
            quiet.gaps.len().min(abused.gaps.len()) >= ENOUGH,
            format!("{} and {} tokens are too few to say anything", quiet.gaps.len(), abused.gaps.len()),
        );
        for (of, ratio, max) in
            [("a usual second", usual, self.max_ratio), ("all", whole, SLACK * self.max_ratio)]
        {
            let what = format!(
                "honest clients' p99 between tokens, of {of}, is {ratio:.2} times the undisturbed one, over {max}"
            );
            check(ratio <= max, what);
        }
        let grown = abused.most_memory.saturating_sub(quiet.most_memory);
        check(
            grown <= self.max_growth,
            format!("the gateway grew by {:.1} MiB, over {:.1}", mib(grown), mib(self.max_growth)),
        );
        check(self.gateway_lives, "the gateway has ended".to_owned());
        let Totals { begun, ended, reconnections, refusals, .. } = &self.totals;
        check(
            self.all_ended && begun == ended && self.totals.wrongs() == 0,
            format!("of {begun} honest streams {ended} ended, with {} wrongs", self.totals.wrongs()),
        );
        check(
            *reconnections == 0 && refusals.is_empty(),
            format!("honest clients were cut off {reconnections} times, and refused: {refusals:?}"),
        );
        for attack in &self.attacks {
            let tally = self.tallies.0.get(attack);
            let answers = tally.map(|tally| &tally.answers);
            for due in attack.due() {
                let was_answered = answers.is_some_and(|answers| answers.contains_key(*due));
                check(was_answered, format!("{} was never answered with {due:?}", attack.name()));
            }
            for answer in answers.into_iter().flat_map(BTreeMap::keys) {
                let is_due = attack.due().iter().chain(attack.may()).any(|known| known == answer);
                check(is_due, format!("{} was answered with {answer:?}", attack.name()));
            }
        }
        wrongs.extend(self.totals.failures.iter().cloned());
        wrongs
    }

    /// For people or programs.
    pub(crate) fn show(&self, format: Format) -> String {
        match format {
            Format::Text => self.text(),
            Format::Json => self.json().to_string(),
        }
    }

    fn text(&self) -> String {
        let (quiet, abused, [usual, whole]) = (self.side(false), self.side(true), self.ratios());
        let mut text = String::from("attack        done                     answered\n");
        for attack in &self.attacks {
            let Some(tally) = self.tallies.0.get(attack) else { continue };
            let mut answers: Vec<_> = tally.answers.iter().collect();
            answers.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let answers: Vec<_> =
                answers.iter().map(|(answer, count)| format!("{answer} ×{count}")).collect();
            let done = format!("{} {}", tally.done, attack.unit());
            let _ = writeln!(text, "{:13} {done:24} {}", attack.name(), answers.join(", "));
        }
        let _ = writeln!(
            text,
            "\n              p50       p99       of a usual second  tokens    gateway's memory    gateway's share of a core"
        );
        for (name, side) in [("undisturbed", &quiet), ("abused", &abused)] {
            let [half, most, usual] =
                [side.at(0.5), side.at(0.99), side.usual].map(|time| format!("{:.1} ms", millis(time)));
            let (count, memory) = (side.gaps.len(), format!("{:.1} MiB", mib(side.most_memory)));
            let _ = writeln!(
                text,
                "{name:13} {half:9} {most:9} {usual:18} {count:<9} {memory:19} {:.2}",
                side.gateway_share
            );
        }
        let _ = writeln!(
            text,
            "\np99 between tokens, of a usual second: {usual:.2} times the undisturbed one, of all {whole:.2} times; abusers took {:.2} of a core; {} honest streams with {} tokens, \
             {} wrongs",
            self.attackers_cpu.as_secs_f64() / abused.time.as_secs_f64().max(f64::MIN_POSITIVE),
            self.totals.ended,
            self.totals.tokens,
            self.totals.wrongs(),
        );
        for wrong in self.wrongs() {
            let _ = writeln!(text, "wrong: {wrong}");
        }
        text.trim_end().to_owned()
    }

    fn json(&self) -> Value {
        let side = |side: Side| {
            json!({
                "p50_ms": millis(side.at(0.5)), "p99_ms": millis(side.at(0.99)), "p99_of_a_usual_second_ms": millis(side.usual), "gaps": side.gaps.len(),
                "gateway_memory_bytes": side.most_memory, "gateway_cores": side.gateway_share,
                "seconds": side.time.as_secs_f64(),
            })
        };
        json!({
            "good": self.is_good(), "wrongs": self.wrongs(), "ratio": self.ratios()[0], "ratio_of_all": self.ratios()[1],
            "undisturbed": side(self.side(false)), "abused": side(self.side(true)),
            "abusers_cpu_seconds": self.attackers_cpu.as_secs_f64(), "attacks": self.tallies,
            "honest": {"streams": self.totals.ended, "tokens": self.totals.tokens, "wrongs": self.totals.wrongs()},
        })
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests;
