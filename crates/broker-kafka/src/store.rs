//! What is not on Kafka.

use std::time::Duration;

use async_trait::async_trait;
use broker::{Error, Store};
use bytes::Bytes;

/// State by key: Kafka carries, and remembers nothing by key.
#[derive(Debug)]
pub(crate) struct NoStore;

const NO_STORE: Error = Error::Unsupported("state by key needs Redis beside Kafka");

#[async_trait]
impl Store for NoStore {
    async fn get(&self, _key: &str) -> Result<Option<Bytes>, Error> {
        Err(NO_STORE)
    }

    async fn put(&self, _key: &str, _value: Bytes, _ttl: Duration) -> Result<(), Error> {
        Err(NO_STORE)
    }

    async fn insert(&self, _key: &str, _value: Bytes, _ttl: Duration) -> Result<Option<Bytes>, Error> {
        Err(NO_STORE)
    }

    async fn replace(&self, _key: &str, _value: Bytes, _ttl: Duration) -> Result<bool, Error> {
        Err(NO_STORE)
    }

    async fn remove(&self, _key: &str) -> Result<bool, Error> {
        Err(NO_STORE)
    }
}
