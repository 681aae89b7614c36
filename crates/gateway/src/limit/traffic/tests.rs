//! A burst is taken, haste is told, and a flood ends.

use std::time::Duration;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_burst_is_taken_haste_is_told_and_a_flood_ends() {
    let mut traffic =
        Traffic::new(&Limits { messages_per_second: 10, messages_burst: 3, ..Limits::default() });
    let taken = |verdict: &Verdict| match verdict {
        Verdict::Take => "taken",
        Verdict::Refuse(_) => "refused",
        Verdict::End => "end",
    };
    let heard: Vec<_> = (0..7).map(|_| taken(&traffic.take())).collect();
    assert_eq!(heard, ["taken", "taken", "taken", "refused", "refused", "refused", "end"]);
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!([traffic.take(), traffic.take()].each_ref().map(taken), ["taken", "refused"]);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!((0..3).all(|_| traffic.take() == Verdict::Take));
}

#[tokio::test]
async fn without_a_limit_all_is_taken() {
    let mut traffic = Traffic::new(&Limits { messages_per_second: 0, ..Limits::default() });
    assert!((0..10_000).all(|_| traffic.take() == Verdict::Take));
}
