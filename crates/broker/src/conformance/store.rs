//! Scenes about state by key.

use std::time::Duration;

use bytes::Bytes;
use tokio::{task::JoinSet, time::sleep};

use super::stage::{LONG, SHORT, eventually, fresh};
use crate::Broker;

const A: Bytes = Bytes::from_static(b"a");
const B: Bytes = Bytes::from_static(b"b");

async fn get(broker: &Broker, key: &str) -> Option<Bytes> {
    broker.store.get(key).await.unwrap()
}

/// A value that was put is seen by every later `get`, under its own key, until it is removed.
pub async fn what_was_put_is_there(broker: &Broker) {
    let (key, other) = (fresh("key"), fresh("key"));
    assert_eq!(get(broker, &key).await, None);
    broker.store.put(&key, A, LONG).await.unwrap();
    assert_eq!(get(broker, &key).await, Some(A));
    broker.store.put(&key, B, LONG).await.unwrap();
    assert_eq!(get(broker, &key).await, Some(B));
    assert_eq!(get(broker, &other).await, None);
    assert!(broker.store.remove(&key).await.unwrap());
    assert!(!broker.store.remove(&key).await.unwrap());
    assert_eq!(get(broker, &key).await, None);
}

/// Every value expires, and its key is free then.
pub async fn a_value_expires(broker: &Broker) {
    let (put, inserted) = (fresh("key"), fresh("key"));
    broker.store.put(&put, A, SHORT).await.unwrap();
    assert_eq!(broker.store.insert(&inserted, A, SHORT).await.unwrap(), None);
    for key in [&put, &inserted] {
        eventually("the value expires", async || get(broker, key).await.is_none()).await;
        assert!(!broker.store.replace(key, B, LONG).await.unwrap());
        assert_eq!(broker.store.insert(key, B, LONG).await.unwrap(), None);
        assert_eq!(get(broker, key).await, Some(B));
    }
}

/// The end counts from when the value was last put.
pub async fn putting_again_begins_anew(broker: &Broker) {
    let (longer, replaced, shorter) = (fresh("key"), fresh("key"), fresh("key"));
    broker.store.put(&longer, A, SHORT).await.unwrap();
    broker.store.put(&longer, B, LONG).await.unwrap();
    broker.store.put(&replaced, A, 5 * SHORT).await.unwrap();
    assert!(broker.store.replace(&replaced, B, LONG).await.unwrap());
    broker.store.put(&shorter, A, LONG).await.unwrap();
    broker.store.put(&shorter, B, SHORT).await.unwrap();
    eventually("the shorter one expires", async || get(broker, &shorter).await.is_none()).await;
    sleep(5 * SHORT).await;
    assert_eq!(get(broker, &longer).await, Some(B));
    assert_eq!(get(broker, &replaced).await, Some(B));
}

/// `insert` leaves what is there, and returns it.
pub async fn inserting_sees_what_is_there(broker: &Broker) {
    let key = fresh("key");
    assert_eq!(broker.store.insert(&key, A, LONG).await.unwrap(), None);
    assert_eq!(broker.store.insert(&key, B, LONG).await.unwrap(), Some(A));
    assert_eq!(get(broker, &key).await, Some(A));
    broker.store.remove(&key).await.unwrap();
    assert_eq!(broker.store.insert(&key, B, Duration::from_millis(60_001)).await.unwrap(), None);
}

/// Of those that race to insert, one does, and all others see what it inserted.
pub async fn of_many_that_insert_one_wins(broker: &Broker) {
    for _ in 0..5 {
        let key = fresh("key");
        let mut racers = JoinSet::new();
        for racer in 0..32_u8 {
            let (broker, key) = (broker.clone(), key.clone());
            racers.spawn(async move {
                let own = Bytes::from(vec![racer]);
                (own.clone(), broker.store.insert(&key, own, LONG).await.unwrap())
            });
        }
        let racers = racers.join_all().await;
        let winners: Vec<_> = racers.iter().filter(|(_, present)| present.is_none()).collect();
        assert_eq!(winners.len(), 1);
        let value = winners[0].0.clone();
        assert!(racers.iter().all(|(_, present)| present.as_ref().is_none_or(|present| *present == value)));
        assert_eq!(get(broker, &key).await, Some(value));
    }
}

/// `replace` sets a value only where there is one.
pub async fn only_what_is_there_is_replaced(broker: &Broker) {
    let key = fresh("key");
    assert!(!broker.store.replace(&key, A, LONG).await.unwrap());
    assert_eq!(get(broker, &key).await, None);
    broker.store.put(&key, A, LONG).await.unwrap();
    assert!(broker.store.replace(&key, B, LONG).await.unwrap());
    assert_eq!(get(broker, &key).await, Some(B));
}

/// Values are bytes, and keys are text, whatever is in them.
pub async fn any_bytes_are_a_value(broker: &Broker) {
    let unique = fresh("key");
    let values = [vec![], vec![0], vec![0xff, 0xfe, b'\r', b'\n'], vec![7; 300 << 10]];
    for (name, value) in ["", "{}", "a {b} c\r\n*", "\u{1F525}"].into_iter().zip(values) {
        let (key, value) = (format!("{name}{unique}"), Bytes::from(value));
        broker.store.put(&key, value.clone(), LONG).await.unwrap();
        assert_eq!(get(broker, &key).await, Some(value.clone()));
        assert_eq!(broker.store.insert(&key, A, LONG).await.unwrap(), Some(value));
    }
}

/// A counter counts up and down, from nothing, until it ends.
pub async fn counters_count(broker: &Broker) {
    let (key, short) = (fresh("counter"), fresh("counter"));
    assert_eq!(broker.store.add(&key, 0, LONG).await.unwrap(), 0);
    assert_eq!(broker.store.add(&key, 5, LONG).await.unwrap(), 5);
    assert_eq!(broker.store.add(&key, -7, LONG).await.unwrap(), -2);
    assert_eq!(broker.store.add(&short, 5, SHORT).await.unwrap(), 5);
    // A value by the same name is another thing.
    assert_eq!(get(broker, &key).await, None);
    let ended = async || broker.store.add(&short, 0, SHORT).await.unwrap() == 0;
    sleep(2 * SHORT).await;
    eventually("the counter ends", ended).await;
    assert_eq!(broker.store.add(&key, 0, LONG).await.unwrap(), -2);
}

/// Of many who add to a counter, each sees another sum.
pub async fn of_many_that_count_each_sees_its_own_sum(broker: &Broker) {
    let key = fresh("counter");
    let mut adders = JoinSet::new();
    for _ in 0..32 {
        let (broker, key) = (broker.clone(), key.clone());
        adders.spawn(async move { broker.store.add(&key, 1, LONG).await.unwrap() });
    }
    let mut sums = adders.join_all().await;
    sums.sort_unstable();
    assert_eq!(sums, (1..=32).collect::<Vec<_>>());
}

/// A room takes as many as it may, and one more when one has left, or stayed for its time.
pub async fn rooms_have_a_bound(broker: &Broker) {
    let (room, short) = (fresh("room"), fresh("room"));
    let enter = async |room: &str, guest, ttl| broker.store.enter(room, guest, 2, ttl).await.unwrap();
    assert!(enter(&room, "a", LONG).await && enter(&room, "b", LONG).await);
    assert!(!enter(&room, "c", LONG).await);
    assert!(enter(&room, "a", LONG).await);
    assert!(broker.store.leave(&room, "a").await.unwrap());
    assert!(!broker.store.leave(&room, "a").await.unwrap());
    assert!(enter(&room, "c", LONG).await);
    assert!(!broker.store.enter(&fresh("room"), "a", 0, LONG).await.unwrap());

    assert!(enter(&short, "a", SHORT).await && enter(&short, "b", LONG).await);
    eventually("a guest's time is over", async || enter(&short, "c", LONG).await).await;
    assert!(!broker.store.leave(&short, "a").await.unwrap());
    assert!(!enter(&short, "d", LONG).await);
}

/// Of many who would enter a room, no more do than may.
pub async fn of_many_that_enter_as_many_do_as_may(broker: &Broker) {
    let room = fresh("room");
    let mut guests = JoinSet::new();
    for guest in 0..32 {
        let (broker, room) = (broker.clone(), room.clone());
        guests.spawn(async move { broker.store.enter(&room, &guest.to_string(), 5, LONG).await.unwrap() });
    }
    let entered = guests.join_all().await.into_iter().filter(|entered| *entered).count();
    assert_eq!(entered, 5);
}
