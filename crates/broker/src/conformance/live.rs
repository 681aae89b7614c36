//! Scenes about the live path: heard in order, nothing lost while the connection lasts, and silence after the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use super::stage::{
    Ear, assert_gapless, background, begin, completed, created, delta, deltas, eventually, open, read, soon,
    texts,
};
use crate::Broker;

/// A listener hears records in the order of the log.
pub async fn a_listener_hears_in_order(broker: &Broker) {
    const RECORDS: u64 = 300;
    let id = begin(broker).await;
    let ear = Ear::new();
    let _listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
    let epoch = open(broker, id).await.epoch;
    for next in 1..RECORDS {
        broker.log.append(id, epoch, next, &deltas(next, 1)).await.unwrap();
    }
    broker.log.append(id, epoch, RECORDS, &[completed()]).await.unwrap();
    ear.hears_up_to(RECORDS + 1).await;
    let records = ear.records();
    assert_gapless(1, &records);
    assert!(records.last().unwrap().is_terminal());
}

/// When `listen` has returned, no later record can be missed: what is read after that, and what is heard, leave no gap.
pub async fn nothing_is_lost_between_listening_and_reading(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    let enough = Arc::new(AtomicBool::new(false));
    let writer = {
        let (broker, enough) = (broker.clone(), Arc::clone(&enough));
        async move {
            let mut next = 1;
            while !enough.load(Ordering::Relaxed) {
                broker.log.append(id, epoch, next, &deltas(next, 1)).await.unwrap();
                next += 1;
            }
            broker.log.append(id, epoch, next, &[completed()]).await.unwrap();
        }
    };
    let mut writing = JoinSet::new();
    writing.spawn(writer);

    let mut joined = Vec::new();
    for _ in 0..10 {
        let ear = Ear::new();
        let listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
        let next = assert_gapless(0, &read(broker, id).await);
        joined.push((ear, listening, next));
        sleep(Duration::from_millis(3)).await;
    }
    enough.store(true, Ordering::Relaxed);
    soon("the writer ends", writing.join_all()).await;

    let end = assert_gapless(0, &read(broker, id).await);
    for (ear, _listening, read_up_to) in joined {
        ear.hears_up_to(end).await;
        let heard = ear.records();
        let fresh: Vec<_> = heard.iter().filter(|record| record.first >= read_up_to).cloned().collect();
        assert_eq!(assert_gapless(read_up_to, &fresh), end);
        assert!(heard.is_sorted_by_key(|record| record.first), "heard out of order");
    }
}

/// Any number of listeners hear the same.
pub async fn every_listener_hears(broker: &Broker) {
    let id = begin(broker).await;
    let ears = [Ear::new(), Ear::new(), Ear::new()];
    let mut listening = Vec::new();
    for ear in &ears {
        listening.push(broker.log.listen(id, Arc::clone(ear) as _).await.unwrap());
    }
    let epoch = open(broker, id).await.epoch;
    for next in 1..=20 {
        broker.log.append(id, epoch, next, &deltas(next, 1)).await.unwrap();
    }
    for ear in &ears {
        ear.hears_up_to(21).await;
        assert_gapless(1, &ear.records());
    }
}

/// A gateway listens before it creates, so that it misses nothing.
pub async fn a_listener_may_be_there_before_the_stream(broker: &Broker) {
    let id = broker.log.new_id();
    let ear = Ear::new();
    let _listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
    broker.log.create(id, &background(), &[created()]).await.unwrap();
    broker.log.append(id, stream::Epoch(0), 1, &deltas(1, 2)).await.unwrap();
    ear.hears_up_to(3).await;
    assert_gapless(0, &ear.records());
}

/// Who has dropped its guard hears no more, and who has not still does.
pub async fn listening_ends_when_the_guard_is_dropped(broker: &Broker) {
    let id = begin(broker).await;
    let (stays, leaves) = (Ear::new(), Ear::new());
    let _stays = broker.log.listen(id, Arc::clone(&stays) as _).await.unwrap();
    let listening = broker.log.listen(id, Arc::clone(&leaves) as _).await.unwrap();
    let epoch = open(broker, id).await.epoch;
    broker.log.append(id, epoch, 1, &deltas(1, 1)).await.unwrap();
    leaves.hears_up_to(2).await;
    drop(listening);
    for next in 2..10 {
        broker.log.append(id, epoch, next, &deltas(next, 1)).await.unwrap();
    }
    stays.hears_up_to(10).await;
    assert_eq!(leaves.next(), 2);
    // The broker lets go of the listener, or gateways would leak their subscribers.
    eventually("the listener is let go", async || Arc::strong_count(&leaves) == 1).await;
}

/// Leaving and coming back, at once or later, on the same stream, never ends in silence.
pub async fn listening_again_hears_again(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    for next in 1..=40 {
        let ear = Ear::new();
        let _listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
        broker.log.append(id, epoch, next, &deltas(next, 1)).await.unwrap();
        ear.hears_up_to(next + 1).await;
        if next % 4 == 0 {
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// What is too large for the live path is told as an interruption, and then read.
pub async fn a_large_record_is_heard_or_told(broker: &Broker) {
    let id = begin(broker).await;
    let ear = Ear::new();
    let _listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
    let epoch = open(broker, id).await.epoch;
    let large = "x".repeat(256 << 10);
    broker.log.append(id, epoch, 1, &[delta(large.as_str())]).await.unwrap();
    eventually("hearing the large record, or of it", async || ear.next() == 2 || ear.interruptions() > 0)
        .await;
    broker.log.append(id, epoch, 2, &[delta("small")]).await.unwrap();
    eventually("hearing the small record", async || ear.next() == 3).await;
    assert_eq!(texts(broker, id).await, [large.as_str(), "small"]);
}

/// A listener hears of its own stream only.
pub async fn listeners_hear_their_own_stream_only(broker: &Broker) {
    let mut streams = Vec::new();
    for _ in 0..4 {
        let (id, ear) = (begin(broker).await, Ear::new());
        let listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
        streams.push((id, ear, listening));
    }
    for next in 1..=10 {
        for (id, ..) in &streams {
            broker.log.append(*id, stream::Epoch(0), next, &[delta(id.to_string())]).await.unwrap();
        }
    }
    for (id, ear, _listening) in &streams {
        ear.hears_up_to(11).await;
        assert_gapless(1, &ear.records());
        assert!(ear.ids().iter().all(|heard| heard == id));
        assert!(ear.records().iter().all(|record| record.events == [delta(id.to_string())]));
    }
}

/// What does not count is not heard, and neither are openings.
pub async fn a_late_writer_is_not_heard(broker: &Broker) {
    let id = begin(broker).await;
    let ear = Ear::new();
    let _listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
    let late = open(broker, id).await.epoch;
    broker.log.append(id, late, 1, &deltas(1, 1)).await.unwrap();
    let owner = open(broker, id).await.epoch;
    for next in 2..10 {
        let _ = broker.log.append(id, late, next, &[delta("late"), completed()]).await;
        broker.log.append(id, owner, next, &deltas(next, 1)).await.unwrap();
        let _ = broker.log.append(id, late, next, &[delta("late")]).await;
    }
    ear.hears_up_to(10).await;
    assert_gapless(1, &ear.records());
    let heard: Vec<_> = ear.records().iter().flat_map(|record| record.events.clone()).collect();
    assert_eq!(heard, deltas(1, 9));
}

/// What is appended again is not heard again.
pub async fn a_repeated_append_is_heard_once(broker: &Broker) {
    let id = begin(broker).await;
    let ear = Ear::new();
    let _listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
    let epoch = open(broker, id).await.epoch;
    for next in 1..5 {
        for _ in 0..3 {
            broker.log.append(id, epoch, next, &deltas(next, 1)).await.unwrap();
        }
    }
    ear.hears_up_to(5).await;
    assert_gapless(1, &ear.records());
}
