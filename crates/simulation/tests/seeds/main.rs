//! Some thousand seeds, each in a process of its own. A failing one is named, with the command that runs it again.
#![expect(clippy::unwrap_used, reason = "the lint knows tests, but not their helpers")]

mod flaws;
mod processes;

use std::io::Write as _;

use processes::{Outcome, number, run_all};
use tokio::time::Instant;

/// How many seeds are run, unless `SIMULATION_SEEDS` says otherwise.
const SEEDS: u64 = 3000;

#[test]
fn every_client_gets_its_response_whatever_happens() {
    let first = number("SIMULATION_SEED").unwrap_or(0);
    let count = number("SIMULATION_SEEDS").unwrap_or(SEEDS);
    let begun = Instant::now();
    let is_told = count == 1;
    let mut total = Outcome::default();
    run_all(first..first + count, is_told, None, |outcome| {
        assert!(
            outcome.violations.is_empty(),
            "seed {seed} fails:\n  {violations}\nrun it again, with its trace:\n  SIMULATION_SEED={seed} \
             SIMULATION_SEEDS=1 cargo test -p simulation --test seeds -- --nocapture every_client",
            seed = outcome.seed,
            violations = outcome.violations.join("\n  "),
        );
        total.add(outcome);
        true
    });
    // Past the test's harness, which shows only what failing tests print.
    let seconds = begun.elapsed().as_secs_f64();
    writeln!(std::io::stderr(), "simulation: {count} seeds in {seconds:.1} s: {}", total.figures_line())
        .unwrap();
    // What a run must have gone through to say anything. One seed alone may be calm.
    for figure in [
        "take-overs",
        "resumes",
        "late writers fenced",
        "gateways killed",
        "workers killed",
        "workers frozen",
    ] {
        assert!(count < 100 || total.figure(figure) > 0, "no {figure}");
    }
}

#[test]
fn a_seed_is_the_same_every_time() {
    let traces = || {
        let mut traces = Vec::new();
        run_all(0..40, false, None, |outcome| {
            traces.push((outcome.seed, outcome.trace.clone()));
            true
        });
        traces.sort();
        traces
    };
    assert_eq!(traces(), traces());
}
