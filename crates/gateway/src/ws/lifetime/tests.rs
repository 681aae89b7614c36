use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn config() -> Config {
    Config {
        ping_interval: 30 * SECOND,
        idle_timeout: 75 * SECOND,
        max_connection_age: 3600 * SECOND,
        drain_timeout: 30 * SECOND,
        ..Config::default()
    }
}

#[test]
fn an_idle_connection_is_pinged_and_a_silent_one_given_up() {
    let (config, start) = (config(), Instant::now());
    let mut life = Lifetime::new(start);
    assert_eq!(life.next(start, &config), start + 30 * SECOND);
    assert_eq!(life.due(start + 29 * SECOND, &config), Due::Nothing);
    assert_eq!(life.due(start + 30 * SECOND, &config), Due::Ping);
    assert_eq!(life.due(start + 30 * SECOND, &config), Due::Nothing, "once");
    assert_eq!(life.due(start + 60 * SECOND, &config), Due::Ping);
    assert_eq!(life.next(start + 60 * SECOND, &config), start + 75 * SECOND);
    assert_eq!(life.due(start + 75 * SECOND, &config), Due::Silent);
    life.hear(start + 74 * SECOND);
    assert_ne!(life.due(start + 75 * SECOND, &config), Due::Silent);
}

#[test]
fn an_old_connection_ends_when_its_turns_have() {
    let (config, start) = (config(), Instant::now());
    let mut life = Lifetime::new(start);
    let end = start + 3600 * SECOND;
    life.hear(end);
    assert_eq!(life.due(end, &config), Due::TooOld);
    assert_eq!(life.closing(), Some(Closing::TooOld));
    assert!(!life.is_over(end, false) && life.is_over(end, true));
}

#[test]
fn a_drain_spreads_the_idle_and_cuts_the_busy() {
    let (config, start) = (config(), Instant::now());
    let mut life = Lifetime::new(start);
    life.drain(start, &config, 0.5);
    let leave = start + Duration::from_millis(7500);
    assert_eq!(life.next(start, &config), leave);
    assert!(!life.is_over(leave - SECOND, true) && life.is_over(leave, true));
    assert!(!life.is_over(leave, false));
    assert!(life.is_over(start + 27 * SECOND, false), "what runs is cut in time to say so");
    // Who asks for something in the meantime goes at once.
    life.hurry(start + SECOND);
    assert!(life.is_over(start + SECOND, true));
}

#[test]
fn a_drain_overtakes_old_age() {
    let (config, start) = (config(), Instant::now());
    let mut life = Lifetime::new(start);
    life.hear(start + 3600 * SECOND);
    assert_eq!(life.due(start + 3600 * SECOND, &config), Due::TooOld);
    life.drain(start + 3601 * SECOND, &config, 0.0);
    assert!(life.is_over(start + 3630 * SECOND, false));
}
