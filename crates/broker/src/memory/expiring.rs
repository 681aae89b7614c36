//! A map whose entries end by themselves.

use std::{
    borrow::Borrow,
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use tokio::time::Instant;

/// Keys and values, each until an instant.
///
/// What has expired is not seen any more, but stays in memory until [`pop_expired`](Self::pop_expired) takes it out:
/// whoever adds an entry pops a few, so that the map stays in proportion without a task of its own.
#[derive(Debug)]
pub(super) struct Expiring<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Each key once, by the instant at which to look at it. An entry whose end was moved back keeps its earlier
    /// instant here until that has come: an append then costs no change of this set.
    due: BTreeSet<(Instant, K)>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    expires: Instant,
    due: Instant,
}

impl<K: Clone + Ord + Hash, V> Expiring<K, V> {
    pub(super) fn new() -> Self {
        Self { entries: HashMap::new(), due: BTreeSet::new() }
    }

    /// How many entries are in memory, expired ones included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get<Q>(&self, key: &Q, now: Instant) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.get(key).filter(|entry| entry.expires > now).map(|entry| &entry.value)
    }

    pub(super) fn get_mut<Q>(&mut self, key: &Q, now: Instant) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.get_mut(key).filter(|entry| entry.expires > now).map(|entry| &mut entry.value)
    }

    /// The entries that have not expired, in no order.
    pub(super) fn values(&self, now: Instant) -> impl Iterator<Item = &V> {
        self.entries.values().filter(move |entry| entry.expires > now).map(|entry| &entry.value)
    }

    /// Sets an entry, and returns what was in memory under its key, expired or not.
    pub(super) fn insert(&mut self, key: K, value: V, expires: Instant) -> Option<V> {
        let former = self.remove(&key);
        self.due.insert((expires, key.clone()));
        self.entries.insert(key, Entry { value, expires, due: expires });
        former
    }

    /// Moves the end of an entry.
    pub(super) fn expire(&mut self, key: &K, expires: Instant) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.expires = expires;
        if expires < entry.due {
            self.due.remove(&(entry.due, key.clone()));
            self.due.insert((expires, key.clone()));
            entry.due = expires;
        }
    }

    /// Moves the end of an entry back, never forward.
    pub(super) fn prolong(&mut self, key: &K, expires: Instant) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.expires = entry.expires.max(expires);
        }
    }

    /// Takes an entry out of memory, expired or not.
    pub(super) fn remove<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (key, entry) = self.entries.remove_entry(key)?;
        self.due.remove(&(entry.due, key));
        Some(entry.value)
    }

    /// Takes out one entry that has expired.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<(K, V)> {
        self.soonest().filter(|(expires, _)| *expires <= now)?;
        self.pop_soonest()
    }

    /// Takes out the entry that expires first.
    pub(super) fn pop_soonest(&mut self) -> Option<(K, V)> {
        let (_, key) = self.soonest()?;
        let value = self.remove(&key)?;
        Some((key, value))
    }

    /// The key that expires first. On the way, entries whose end was moved back are put in their place.
    fn soonest(&mut self) -> Option<(Instant, K)> {
        loop {
            let (due, key) = self.due.first()?.clone();
            let entry = self.entries.get_mut(&key)?;
            if entry.expires == due {
                return Some((due, key));
            }
            entry.due = entry.expires;
            self.due.pop_first();
            self.due.insert((entry.expires, key));
        }
    }
}
