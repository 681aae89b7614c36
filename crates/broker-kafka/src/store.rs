//! State by key without Redis: a store that has no room.

use std::time::Duration;

use async_trait::async_trait;
use broker::{Error, Store};
use bytes::Bytes;

/// Every value leaves as it is put, as if it had expired. So what can be answered from the log is, and nothing else.
#[derive(Debug)]
pub(crate) struct NoRoom;

#[async_trait]
impl Store for NoRoom {
    fn missing(&self) -> Option<&'static str> {
        Some("kafka.store")
    }

    async fn get(&self, _key: &str) -> Result<Option<Bytes>, Error> {
        Ok(None)
    }

    async fn put(&self, _key: &str, _value: Bytes, _ttl: Duration) -> Result<(), Error> {
        Ok(())
    }

    /// Who inserts relies on being the only one, of which a store without room knows nothing.
    async fn insert(&self, _key: &str, _value: Bytes, _ttl: Duration) -> Result<Option<Bytes>, Error> {
        Err(Error::Unsupported("remember keys: set kafka.store to a Redis"))
    }

    async fn replace(&self, _key: &str, _value: Bytes, _ttl: Duration) -> Result<bool, Error> {
        Ok(false)
    }

    async fn remove(&self, _key: &str) -> Result<bool, Error> {
        Ok(false)
    }

    /// Who counts relies on the others' counts.
    async fn add(&self, _key: &str, _amount: i64, _ttl: Duration) -> Result<i64, Error> {
        Err(Error::Unsupported("count: set kafka.store to a Redis"))
    }

    async fn enter(&self, _key: &str, _guest: &str, _max: usize, _ttl: Duration) -> Result<bool, Error> {
        Err(Error::Unsupported("bound what runs at a time: set kafka.store to a Redis"))
    }

    async fn leave(&self, _key: &str, _guest: &str) -> Result<bool, Error> {
        Ok(false)
    }
}
