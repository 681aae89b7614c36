//! Running a check, and saying in one line what came of it.

use std::time::Duration;
#[expect(
    clippy::disallowed_types,
    reason = "the checker takes real time, and nothing here can be paused"
)]
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use crate::{Bounds, System};

/// Longer than any check takes: one that got out of hand ends, and fails.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Checks that everything holds within `bounds`, in every order of events.
///
/// # Panics
/// When something does not hold.
pub fn holds(name: &str, bounds: Bounds) {
    let start = now();
    let checker =
        System { bounds, readers_last: true }.checker().threads(THREADS).timeout(TIMEOUT).spawn_bfs().join();
    say(name, &checker, start.elapsed(), "all hold");
    assert!(checker.is_done(), "{name}: not done in time");
    checker.assert_properties();
}

/// Checks that there is a way to break `property` within `bounds`, and says the shortest.
///
/// # Panics
/// When there is none.
pub fn breaks(name: &str, bounds: Bounds, property: &'static str) {
    let start = now();
    let until = HasDiscoveries::AnyOf([property].into());
    let checker = System { bounds, readers_last: false }
        .checker()
        .timeout(TIMEOUT)
        .finish_when(until)
        .spawn_bfs()
        .join();
    let Some(path) = checker.discovery(property) else {
        panic!("{name}: nothing breaks '{property}' in {} states", checker.unique_state_count());
    };
    let actions = path.into_actions();
    say(name, &checker, start.elapsed(), &format!("'{property}' broken in {} steps", actions.len()));
    print(&format!("    {actions:?}"));
}

/// More would not find more, and a breadth-first search by one finds the shortest way.
const THREADS: usize = 2;

#[expect(clippy::disallowed_types, reason = "see above")]
fn now() -> Instant {
    Instant::now()
}

fn say(name: &str, checker: &impl Checker<System>, elapsed: Duration, result: &str) {
    let (states, depth) = (checker.unique_state_count(), checker.max_depth());
    print(&format!("{name}: {states} states, depth {depth}, {:.1} s: {result}", elapsed.as_secs_f64()));
}

#[expect(clippy::print_stdout, reason = "the figures are what a check is run for; shown with --nocapture")]
fn print(line: &str) {
    println!("{line}");
}
