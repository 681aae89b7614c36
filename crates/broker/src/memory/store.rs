//! State by key.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Config, expiring::Expiring, tallies::Tallies};
use crate::{Error, Store, rules::later};

/// How many expired values each call that adds one takes out of memory.
const PURGED_AT_ONCE: usize = 8;

/// The values, within a bound on all their bytes.
#[derive(Debug)]
pub(super) struct Values {
    inner: Mutex<Inner>,
    tallies: Tallies,
}

#[derive(Debug)]
struct Inner {
    values: Expiring<Arc<str>, Bytes>,
    bytes: usize,
    max_bytes: usize,
}

impl Values {
    pub(super) fn new(config: &Config) -> Self {
        let inner = Inner { values: Expiring::new(), bytes: 0, max_bytes: config.max_store_bytes };
        Self { inner: Mutex::new(inner), tallies: Tallies::new() }
    }
}

impl Inner {
    fn put(&mut self, key: &str, value: Bytes, ttl: Duration, now: Instant) -> Result<(), Error> {
        let weight = weight(key, &value);
        if weight > self.max_bytes {
            return Err(Error::refused("a value that is larger than the whole store"));
        }
        self.remove(key);
        for _ in 0..PURGED_AT_ONCE {
            let Some((key, value)) = self.values.pop_expired(now) else { break };
            self.forget(&key, &value);
        }
        while self.bytes + weight > self.max_bytes {
            let Some((key, value)) = self.values.pop_soonest() else { break };
            self.forget(&key, &value);
        }
        self.bytes += weight;
        self.values.insert(key.into(), value, later(now, ttl));
        Ok(())
    }

    fn remove(&mut self, key: &str) {
        if let Some(value) = self.values.remove(key) {
            self.forget(key, &value);
        }
    }

    fn forget(&mut self, key: &str, value: &Bytes) {
        self.bytes -= weight(key, value);
    }
}

/// What a value costs of the bound: itself, its key, and about as much as finding it takes.
fn weight(key: &str, value: &Bytes) -> usize {
    2 * size_of::<(Instant, Arc<str>, Bytes)>() + key.len() + value.len()
}

#[async_trait]
impl Store for Values {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.inner.lock().values.get(key, Instant::now()).cloned())
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Error> {
        self.inner.lock().put(key, value, ttl, Instant::now())
    }

    async fn insert(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, Error> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        if let Some(present) = inner.values.get(key, now) {
            return Ok(Some(present.clone()));
        }
        inner.put(key, value, ttl, now)?;
        Ok(None)
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, Error> {
        let now = Instant::now();
        let mut inner = self.inner.lock();
        if inner.values.get(key, now).is_none() {
            return Ok(false);
        }
        inner.put(key, value, ttl, now)?;
        Ok(true)
    }

    async fn remove(&self, key: &str) -> Result<bool, Error> {
        let mut inner = self.inner.lock();
        let present = inner.values.get(key, Instant::now()).is_some();
        inner.remove(key);
        Ok(present)
    }

    async fn add(&self, key: &str, amount: i64, ttl: Duration) -> Result<i64, Error> {
        Ok(self.tallies.add(key, amount, ttl))
    }

    async fn enter(&self, key: &str, guest: &str, max: usize, ttl: Duration) -> Result<bool, Error> {
        Ok(self.tallies.enter(key, guest, max, ttl))
    }

    async fn leave(&self, key: &str, guest: &str) -> Result<bool, Error> {
        Ok(self.tallies.leave(key, guest))
    }
}
