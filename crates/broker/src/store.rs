//! State that is looked up by key: response records, idempotency keys, limits.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;

/// Keys and values, each with an end.
///
/// # Contract
/// - Every value expires `ttl` after it was last put.
/// - [`insert`](Self::insert) is atomic: of two that race, one inserts, and the other sees what was inserted.
/// - A value that was put is seen by every later `get` in any process.
/// - Values, counters and rooms are kept apart: one key may name one of each.
#[async_trait]
pub trait Store: Send + Sync {
    /// Of a store that keeps nothing: the setting that would change that. Whoever needs what is kept asks this first, so that
    /// its caller hears what to do.
    fn missing(&self) -> Option<&'static str> {
        None
    }

    /// The value of `key`, if it has one.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error>;

    /// Sets the value of `key`.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Error>;

    /// Sets the value of `key` if it has none; else returns the one it has.
    async fn insert(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, Error>;

    /// Sets the value of `key` if it has one; whether it did.
    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, Error>;

    /// Removes `key`; whether it had a value.
    async fn remove(&self, key: &str) -> Result<bool, Error>;

    /// Adds to the counter `key`, which is 0 where there is none, and returns what it comes to. It ends `ttl` after the last
    /// addition. Atomic: of many who add, each sees another sum. To add 0 is to look.
    async fn add(&self, key: &str, amount: i64, ttl: Duration) -> Result<i64, Error>;

    /// Lets `guest` into the room `key`, if fewer than `max` are in it, for `ttl` at most; whether it is in it now. Atomic: of
    /// many who would enter, no more than `max` do. Who is in it already stays, for `ttl` from now on.
    async fn enter(&self, key: &str, guest: &str, max: usize, ttl: Duration) -> Result<bool, Error>;

    /// Lets `guest` out of the room `key`; whether it was in it.
    async fn leave(&self, key: &str, guest: &str) -> Result<bool, Error>;
}
