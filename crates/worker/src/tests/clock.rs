//! Bounds on a model server's time, in paused time.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    Timeouts,
    clock::{Clock, Exceeded},
};

fn clock() -> Clock {
    let seconds = Duration::from_secs;
    let timeouts = Timeouts { first_token: seconds(10), between_tokens: seconds(2), response: seconds(60) };
    Clock::start(timeouts, Instant::now() + timeouts.response)
}

#[tokio::test(start_paused = true)]
async fn the_first_token_has_a_bound() {
    let started = Instant::now();
    let Exceeded::Silence(error) = clock().run_out().await else { panic!("not silence") };
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(error.message, "The model server did not begin to answer in time.");
}

#[tokio::test(start_paused = true)]
async fn so_has_the_time_between_tokens() {
    let started = Instant::now();
    let mut clock = clock();
    for _ in 0..20 {
        clock.heard();
        assert!(tokio::time::timeout(Duration::from_millis(1900), clock.run_out()).await.is_err());
    }
    clock.heard();
    let Exceeded::Silence(error) = clock.run_out().await else { panic!("not silence") };
    assert_eq!(started.elapsed().as_secs(), 40);
    assert_eq!(error.message, "The model server did not go on in time.");
}

#[tokio::test(start_paused = true)]
async fn and_so_has_the_whole_response() {
    let started = Instant::now();
    let mut clock = clock();
    let exceeded = loop {
        clock.heard();
        if let Ok(exceeded) = tokio::time::timeout(Duration::from_millis(1500), clock.run_out()).await {
            break exceeded;
        }
    };
    let Exceeded::Deadline(error) = exceeded else { panic!("not the deadline") };
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(error.message, "The model server did not finish in time.");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_listened_to_is_not_silent() {
    let started = Instant::now();
    let mut clock = clock();
    for heard in [false, true] {
        for _ in 0..10 {
            assert!(tokio::time::timeout(Duration::from_millis(1900), clock.run_out()).await.is_err());
            clock.stand();
        }
        if !heard {
            clock.heard();
        }
    }
    assert_eq!(started.elapsed().as_secs(), 38);
}
