//! Running seeds, each in a process of its own, and reading what came of them.

use std::{collections::BTreeMap, ops::Range, process::Stdio, time::Duration};

use tokio::{process::Command, task::JoinSet};

/// A seed that takes longer than this hangs: most take some 20 ms.
const BOUND: Duration = Duration::from_secs(60);

/// What came of one seed, or of many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) trace: String,
    pub(crate) violations: Vec<String>,
    figures: BTreeMap<String, u64>,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: &Self) {
        for (what, count) in &other.figures {
            *self.figures.entry(what.clone()).or_default() += count;
        }
    }

    pub(crate) fn figure(&self, what: &str) -> u64 {
        self.figures.get(what).copied().unwrap_or_default()
    }

    pub(crate) fn figures_line(&self) -> String {
        let figures: Vec<_> = self.figures.iter().map(|(what, count)| format!("{what} {count}")).collect();
        figures.join(", ")
    }

    fn parse(seed: u64, text: &str) -> Self {
        let mut outcome = Self { seed, ..Self::default() };
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("trace", trace)) => trace.clone_into(&mut outcome.trace),
                Some(("violation", violation)) => outcome.violations.push(violation.to_owned()),
                Some(("figure", figure)) => {
                    let (what, count) = figure.split_once(" = ").unwrap();
                    outcome.figures.insert(what.to_owned(), count.parse().unwrap());
                }
                _ => {}
            }
        }
        outcome
    }
}

/// A number from the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    Some(std::env::var_os(name)?.to_str()?.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Runs seeds, as many at a time as there are cores, until `look` has seen all or has seen enough.
pub(crate) fn run_all(
    seeds: Range<u64>,
    is_told: bool,
    flaw: Option<&str>,
    mut look: impl FnMut(&Outcome) -> bool,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let mut running = JoinSet::new();
        // In the order of the seeds, so that what is found first does not depend on the machine.
        let mut done = BTreeMap::new();
        let (mut next, mut seen) = (seeds.start, seeds.start);
        while seen < seeds.end {
            while running.len() < cores && next < seeds.end {
                running.spawn(run(next, is_told, flaw.map(str::to_owned)));
                next += 1;
            }
            let outcome: Outcome = running.join_next().await.unwrap().unwrap();
            done.insert(outcome.seed, outcome);
            while let Some(outcome) = done.remove(&seen) {
                if !look(&outcome) {
                    return;
                }
                seen += 1;
            }
        }
    });
}

async fn run(seed: u64, is_told: bool, flaw: Option<String>) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulation"));
    command.arg(seed.to_string()).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(if is_told { Stdio::inherit() } else { Stdio::piped() });
    if is_told {
        command.arg("--trace");
    }
    if let Some(flaw) = flaw {
        command.args(["--flaw", &flaw]);
    }
    let output = match tokio::time::timeout(BOUND, command.output()).await {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let violations = vec![format!("it takes longer than {} s", BOUND.as_secs())];
            return Outcome { seed, violations, ..Outcome::default() };
        }
    };
    let mut outcome = Outcome::parse(seed, &String::from_utf8_lossy(&output.stdout));
    if outcome.trace.is_empty() {
        outcome.violations.push(format!("it broke off: {}", String::from_utf8_lossy(&output.stderr)));
    }
    outcome
}
