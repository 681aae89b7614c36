//! State by key, at the other end of a line.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{Error, Store};
use bytes::Bytes;

use super::Line;

pub(super) struct Values {
    pub(super) line: Arc<Line>,
    pub(super) store: Arc<dyn Store>,
}

#[async_trait]
impl Store for Values {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let effect = || {
            let (store, key) = (Arc::clone(&self.store), key.to_owned());
            async move { store.get(&key).await }
        };
        self.line.call("get", effect).await
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Error> {
        let effect = || {
            let (store, key, value) = (Arc::clone(&self.store), key.to_owned(), value.clone());
            async move { store.put(&key, value, ttl).await }
        };
        self.line.call("put", effect).await
    }

    async fn insert(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, Error> {
        let effect = || {
            let (store, key, value) = (Arc::clone(&self.store), key.to_owned(), value.clone());
            async move { store.insert(&key, value, ttl).await }
        };
        self.line.call("insert", effect).await
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, Error> {
        let effect = || {
            let (store, key, value) = (Arc::clone(&self.store), key.to_owned(), value.clone());
            async move { store.replace(&key, value, ttl).await }
        };
        self.line.call("replace", effect).await
    }

    async fn remove(&self, key: &str) -> Result<bool, Error> {
        let effect = || {
            let (store, key) = (Arc::clone(&self.store), key.to_owned());
            async move { store.remove(&key).await }
        };
        self.line.call("remove", effect).await
    }

    async fn add(&self, key: &str, amount: i64, ttl: Duration) -> Result<i64, Error> {
        let effect = || {
            let (store, key) = (Arc::clone(&self.store), key.to_owned());
            async move { store.add(&key, amount, ttl).await }
        };
        self.line.call("add", effect).await
    }

    async fn enter(&self, key: &str, guest: &str, max: usize, ttl: Duration) -> Result<bool, Error> {
        let effect = || {
            let (store, key, guest) = (Arc::clone(&self.store), key.to_owned(), guest.to_owned());
            async move { store.enter(&key, &guest, max, ttl).await }
        };
        self.line.call("enter", effect).await
    }

    async fn leave(&self, key: &str, guest: &str) -> Result<bool, Error> {
        let effect = || {
            let (store, key, guest) = (Arc::clone(&self.store), key.to_owned(), guest.to_owned());
            async move { store.leave(&key, &guest).await }
        };
        self.line.call("leave", effect).await
    }
}
