//! Runs one seed, and says what came of it: `simulation SEED [--trace] [--flaw NAME]`.
//!
//! One seed is one process, because some randomness can be had again only from a process's beginning: the keys of hash maps, the
//! order in which tokio looks at the branches of a `select!`. All of it comes from the operating system's, which is
//! the seed's here.

use std::{fmt::Write as _, io::Write as _, process::ExitCode};

use rand::{SeedableRng as _, rngs::StdRng};
use simulation::{Flaw, Options, Report, run};

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        say("usage: simulation SEED [--trace] [--flaw NAME]");
        return ExitCode::from(2);
    };
    mad_turmoil::rand::set_rng(StdRng::seed_from_u64(options.seed));
    let _clock = mad_turmoil::time::SimClocksGuard::init();
    let report = run(options);
    say(&told(options.seed, &report));
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn options(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let seed = words.next()?.parse().ok()?;
    let mut options = Options { seed, is_told: false, flaw: None };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--trace" => options.is_told = true,
            "--flaw" => {
                let name = words.next()?;
                options.flaw = Some(Flaw::ALL.into_iter().find(|(flaw, _)| *flaw == name)?.1);
            }
            _ => return None,
        }
    }
    Some(options)
}

/// The report in lines: the trace's hash, the figures, the violations.
fn told(seed: u64, report: &Report) -> String {
    let mut text = format!("seed {seed}\ntrace {:016x}\n", report.trace);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "figure simulated seconds = {}", report.time.as_secs());
    for (what, count) in &report.figures {
        let _ = writeln!(text, "figure {what} = {count}");
    }
    for violation in &report.violations {
        let _ = writeln!(text, "violation {violation}");
    }
    text
}

fn say(text: &str) {
    // Whoever closed the pipe does not want to know.
    let _ = writeln!(std::io::stdout(), "{text}");
}
