//! A flood is not written down.

use std::time::Duration;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_flood_of_refusals_is_some_lines() {
    let complaints = Complaints::new();
    let lines = || (0..10_000).filter(|_| complaints.take()).count();
    assert_eq!((lines(), lines()), (500, 0));
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(lines(), 40);
}
