//! Where a response goes, and where not, in paused time.

use std::{sync::Arc, time::Duration};

use engine::{DemoConfig, DemoEngine, Fault};
use tokio::time::{Instant, timeout};

use crate::{
    Continuation, ModelConfig, Served, Timeouts,
    pool::{Circuit, Pool},
};

fn pool(concurrencies: &[usize]) -> Arc<Pool> {
    let pool = Pool::new("m".to_owned());
    for concurrency in concurrencies {
        let config = ModelConfig {
            name: "m".to_owned(),
            upstream_name: "m".to_owned(),
            concurrency: *concurrency,
            timeouts: Timeouts::default(),
            continuation: Continuation::None,
        };
        pool.add(Served { config, engine: Arc::new(DemoEngine::new(DemoConfig::default())) });
    }
    Arc::new(pool)
}

/// How long it takes until there is room.
async fn wait_for_room(pool: &Pool) -> Duration {
    let began = Instant::now();
    pool.room().await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_most_room_is_taken_first_and_no_more_than_there_is() {
    let pool = pool(&[1, 3]);
    assert_eq!(pool.room().await, 4);
    let slots: Vec<_> = (0..4).map(|_| pool.enter().unwrap()).collect();
    assert_eq!(slots.iter().map(|slot| slot.at()).collect::<Vec<_>>(), [1, 1, 0, 1]);
    assert!(timeout(Duration::from_secs(60), pool.room()).await.is_err(), "there is no room");
    drop(slots);
    assert_eq!(pool.room().await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_slot_changes_to_a_server_that_is_fit_has_room_and_does_not_rest() {
    let pool = pool(&[2, 1, 2]);
    let mut slot = pool.enter().unwrap();
    assert!(!slot.change(|_, _| false));
    assert!(slot.change(|at, _| at == 1));
    assert_eq!((slot.at(), pool.room().await), (1, 4), "the first place is free again");
    let mut other = pool.enter().unwrap();
    assert!(!other.change(|at, _| at == 1), "it is full");
    slot.failed(Fault::Unreachable);
    drop(slot);
    assert!(!other.change(|at, _| at == 1), "it rests");
}

/// So that jobs go to workers that can do them.
#[tokio::test(start_paused = true)]
async fn a_pool_whose_servers_are_all_out_of_reach_has_no_room_for_a_while() {
    let pool = pool(&[4]);
    let slot = pool.enter().unwrap();
    slot.failed(Fault::Busy { retry_after: None });
    assert_eq!(wait_for_room(&pool).await, Duration::ZERO, "busy is not gone");
    for rest in [250, 500, 1000, 2000, 2000] {
        slot.failed(Fault::Unreachable);
        assert_eq!(wait_for_room(&pool).await.as_millis().next_multiple_of(5), rest);
    }
    slot.failed(Fault::Unreachable);
    slot.succeeded();
    assert_eq!(wait_for_room(&pool).await, Duration::ZERO);
    slot.failed(Fault::Unreachable);
    assert_eq!(wait_for_room(&pool).await.as_millis().next_multiple_of(5), 250, "it counts anew");
}

#[tokio::test(start_paused = true)]
async fn a_circuit_opens_rests_and_closes_when_the_server_answers() {
    let pool = pool(&[4]);
    let circuit = || pool.circuits()[0].1;
    let slot = pool.enter().unwrap();
    slot.failed(Fault::Busy { retry_after: None });
    assert_eq!(circuit(), Circuit::Closed);
    slot.failed(Fault::Unreachable);
    assert_eq!(circuit(), Circuit::Open);
    tokio::time::advance(Duration::from_millis(250)).await;
    assert_eq!(circuit(), Circuit::HalfOpen, "it may be tried again");
    slot.failed(Fault::Unreachable);
    assert_eq!(circuit(), Circuit::Open);
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(circuit(), Circuit::HalfOpen);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(circuit(), Circuit::Unknown, "nobody has tried it for long");
    slot.failed(Fault::Unreachable);
    assert_eq!(circuit(), Circuit::Open);
    slot.succeeded();
    assert_eq!(circuit(), Circuit::Closed);
}
