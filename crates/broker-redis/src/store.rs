//! State by key: plain values with an end.

use std::time::Duration;

use async_trait::async_trait;
use broker::{Error, Store};
use bytes::Bytes;
use redis::{Cmd, Value};

use crate::{
    client::Client,
    scripts::{self, millis},
};

/// The values on Redis.
pub(crate) struct Values {
    client: Client,
}

impl Values {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Store for Values {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let key = self.client.keys.value(key);
        let value: Option<Vec<u8>> = self.client.query(&key, redis::cmd("GET").arg(&key)).await?;
        Ok(value.map(Bytes::from))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Error> {
        let key = self.client.keys.value(key);
        self.client.query(&key, &set(&key, &value, ttl)).await
    }

    async fn insert(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, Error> {
        let key = self.client.keys.value(key);
        let present: Option<Vec<u8>> =
            self.client.query(&key, set(&key, &value, ttl).arg("NX").arg("GET")).await?;
        Ok(present.map(Bytes::from))
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, Error> {
        let key = self.client.keys.value(key);
        let answer: Value = self.client.query(&key, set(&key, &value, ttl).arg("XX")).await?;
        Ok(answer != Value::Nil)
    }

    async fn remove(&self, key: &str) -> Result<bool, Error> {
        let key = self.client.keys.value(key);
        self.client.query(&key, redis::cmd("UNLINK").arg(&key)).await
    }

    async fn add(&self, key: &str, amount: i64, ttl: Duration) -> Result<i64, Error> {
        let call = scripts::ADD.call([self.client.keys.counter(key)]).arg(amount).arg(millis(ttl).max(1));
        self.client.run(&call).await
    }

    async fn enter(&self, key: &str, guest: &str, max: usize, ttl: Duration) -> Result<bool, Error> {
        let call = scripts::ENTER.call([self.client.keys.room(key)]);
        self.client.run(&call.arg(guest).arg(max).arg(millis(ttl).max(1))).await
    }

    async fn leave(&self, key: &str, guest: &str) -> Result<bool, Error> {
        self.client.run(&scripts::LEAVE.call([self.client.keys.room(key)]).arg(guest)).await
    }
}

/// `SET` with an end. Redis knows no value that has ended already.
fn set(key: &str, value: &Bytes, ttl: Duration) -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg(key).arg(&value[..]).arg("PX").arg(millis(ttl).max(1));
    command
}
