//! The simulation can fail: brokers that break their contract are found, and found again.

use super::processes::{Outcome, run_all};

/// Within so many seeds each flaw has to be found.
const SEEDS: u64 = 200;

/// The first seed that finds `flaw` by a violation that holds `words`, with all that it says.
fn find(flaw: &str, words: &str) -> Outcome {
    let mut found = None;
    run_all(0..SEEDS, false, Some(flaw), |outcome| {
        let is_found = outcome.violations.iter().any(|violation| violation.contains(words));
        if is_found {
            found = Some(outcome.clone());
        }
        !is_found
    });
    found.unwrap_or_else(|| panic!("{SEEDS} seeds did not find the flaw {flaw}: nothing {words:?}"))
}

/// Finds `flaw` by a violation that holds `words`, and again by the same seed.
fn expect(flaw: &str, words: &str) {
    let found = find(flaw, words);
    let mut again = Vec::new();
    run_all(found.seed..found.seed + 1, false, Some(flaw), |outcome| {
        again.clone_from(&outcome.violations);
        true
    });
    assert_eq!(found.violations, again, "seed {}", found.seed);
}

#[test]
fn a_log_that_forgets_the_fence_is_found() {
    expect("fence", "says");
}

#[test]
fn a_position_that_is_off_by_one_is_found() {
    expect("position", "instead of");
}

#[test]
fn a_loss_that_is_never_noticed_is_found() {
    expect("silence", "has not seen the end");
}

#[test]
fn a_key_that_is_given_twice_is_found() {
    expect("key", "are of the same request");
}
