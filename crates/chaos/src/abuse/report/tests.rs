//! What is wrong is told.

use super::{super::attack::Tally, *};

const SECOND: Duration = Duration::from_secs(1);

/// Ten quiet seconds and ten of abuse with 500 tokens each, by a function from the second and the token to the wait.
fn report(gap: impl Fn(u64, u64) -> u64) -> Report {
    let begin = Instant::now();
    let window = |is_abused, from: Instant| Window {
        is_abused,
        from,
        until: from + 10 * SECOND,
        most_memory: 30 << 20,
        cpu: SECOND,
    };
    let at = |second: u64, token: u64| begin + second as u32 * SECOND + token as u32 * SECOND / 500;
    let all = (0..20).flat_map(|second| (0..500).map(move |token| (second, token)));
    let gaps = all.map(|(second, token)| (at(second, token), Duration::from_millis(gap(second, token))));
    let answers = ["close 1008"].map(|answer| (answer.to_owned(), 3));
    let tally = Tally { done: 100, answers: answers.into() };
    let mut totals = Totals::default();
    totals.gaps = gaps.collect();
    (totals.begun, totals.ended) = (5, 5);
    Report {
        windows: vec![window(false, begin), window(true, begin + 10 * SECOND)],
        attacks: vec![Attack::Pings],
        tallies: Tallies([(Attack::Pings, tally)].into()),
        attackers_cpu: SECOND,
        totals,
        all_ended: true,
        max_ratio: 2.0,
        max_growth: 10 << 20,
        gateway_lives: true,
    }
}

/// Two in a hundred come late, in the quiet after 30 ms.
fn late(abused: u64) -> Report {
    report(|second, token| match (token % 50, second < 10) {
        (0, true) => 30,
        (0, false) => abused,
        _ => 20,
    })
}

fn wrong(change: impl FnOnce(&mut Report)) -> String {
    let mut report = late(40);
    change(&mut report);
    report.wrongs().join("; ")
}

#[test]
fn what_is_late_is_wrong_and_not_before() {
    assert_eq!(late(60).wrongs(), [""; 0]);
    assert_eq!(late(61).wrongs().len(), 1);
    assert_eq!(late(121).wrongs().len(), 2);
}

#[test]
fn a_burst_is_forgiven_and_a_long_one_is_not() {
    let burst = |from: u64| {
        report(move |second, token| match token % 50 {
            0 if second >= from => 100,
            0 => 30,
            _ => 20,
        })
    };
    assert_eq!(burst(18).wrongs(), [""; 0]);
    assert_eq!(burst(14).wrongs().len(), 1);
}

#[test]
fn all_else_that_must_not_be_is_told() {
    assert_eq!(wrong(|_| ()), "");
    assert!(wrong(|report| report.windows[1].most_memory = 41 << 20).contains("grew by 11.0 MiB"));
    assert!(wrong(|report| report.totals.ended = 4).contains("of 5 honest streams 4 ended"));
    assert!(wrong(|report| report.totals.reconnections = 1).contains("cut off 1 times"));
    assert!(wrong(|report| report.totals.gaps.truncate(5_500)).contains("too few"));
    assert!(wrong(|report| report.gateway_lives = false).contains("has ended"));
    let answered = |answer: &str| {
        let answer = answer.to_owned();
        wrong(|report| {
            let tally = report.tallies.0.get_mut(&Attack::Pings);
            tally.unwrap().answers = [(answer, 1)].into();
        })
    };
    assert_eq!(
        answered("101"),
        "pings was never answered with \"close 1008\"; pings was answered with \"101\""
    );
}
