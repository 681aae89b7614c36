//! Counters and rooms.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::expiring::Expiring;
use crate::rules::later;

/// As many counters are kept, and as many rooms; the one that would end first makes room.
const MAX: usize = 1 << 16;

/// How many expired ones each call that adds one takes out of memory.
const PURGED_AT_ONCE: usize = 8;

#[derive(Debug)]
pub(super) struct Tallies {
    counters: Mutex<Expiring<Arc<str>, i64>>,
    rooms: Mutex<Expiring<Arc<str>, Room>>,
}

/// Who is in, and until when.
type Room = Vec<(Box<str>, Instant)>;

impl Tallies {
    pub(super) fn new() -> Self {
        Self { counters: Mutex::new(Expiring::new()), rooms: Mutex::new(Expiring::new()) }
    }

    pub(super) fn add(&self, key: &str, amount: i64, ttl: Duration) -> i64 {
        let now = Instant::now();
        let mut counters = self.counters.lock();
        let count = counters.get(key, now).copied().unwrap_or_default().saturating_add(amount);
        if amount != 0 {
            put(&mut counters, key, count, later(now, ttl), now);
        }
        count
    }

    pub(super) fn enter(&self, key: &str, guest: &str, max: usize, ttl: Duration) -> bool {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        let mut room = rooms.get(key, now).cloned().unwrap_or_default();
        room.retain(|(present, until)| *until > now && **present != *guest);
        if room.len() >= max {
            return false;
        }
        room.push((guest.into(), later(now, ttl)));
        furnish(&mut rooms, key, room, now);
        true
    }

    pub(super) fn leave(&self, key: &str, guest: &str) -> bool {
        let now = Instant::now();
        let mut rooms = self.rooms.lock();
        let mut room = rooms.get(key, now).cloned().unwrap_or_default();
        room.retain(|(_, until)| *until > now);
        let before = room.len();
        room.retain(|(present, _)| **present != *guest);
        let was_in = room.len() < before;
        if was_in {
            furnish(&mut rooms, key, room, now);
        }
        was_in
    }
}

/// A room is kept for as long as anybody may stay in it.
fn furnish(rooms: &mut Expiring<Arc<str>, Room>, key: &str, room: Room, now: Instant) {
    match room.iter().map(|(_, until)| *until).max() {
        Some(end) => put(rooms, key, room, end, now),
        None => drop(rooms.remove(key)),
    }
}

fn put<V>(all: &mut Expiring<Arc<str>, V>, key: &str, value: V, end: Instant, now: Instant) {
    for _ in 0..PURGED_AT_ONCE {
        if all.pop_expired(now).is_none() {
            break;
        }
    }
    all.remove(key);
    if all.len() >= MAX {
        all.pop_soonest();
    }
    all.insert(key.into(), value, end);
}

#[cfg(test)]
mod tests;
