//! State by key: plain values with an end.

use std::time::Duration;

use async_trait::async_trait;
use broker::{Error, Store};
use bytes::Bytes;
use redis::{Cmd, Value};

use crate::{client::Client, scripts::millis};

/// The values on Redis.
pub(crate) struct Values {
    client: Client,
}

impl Values {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// `SET` with an end. Redis knows no value that has ended already.
    fn set(&self, key: &str, value: &Bytes, ttl: Duration) -> Cmd {
        let mut command = redis::cmd("SET");
        command.arg(self.client.keys.value(key)).arg(&value[..]).arg("PX").arg(millis(ttl).max(1));
        command
    }
}

#[async_trait]
impl Store for Values {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let mut command = redis::cmd("GET");
        command.arg(self.client.keys.value(key));
        let value: Option<Vec<u8>> = self.client.query(&command).await?;
        Ok(value.map(Bytes::from))
    }

    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Error> {
        self.client.query(&self.set(key, &value, ttl)).await
    }

    async fn insert(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, Error> {
        let mut command = self.set(key, &value, ttl);
        command.arg("NX").arg("GET");
        let present: Option<Vec<u8>> = self.client.query(&command).await?;
        Ok(present.map(Bytes::from))
    }

    async fn replace(&self, key: &str, value: Bytes, ttl: Duration) -> Result<bool, Error> {
        let mut command = self.set(key, &value, ttl);
        command.arg("XX");
        let answer: Value = self.client.query(&command).await?;
        Ok(answer != Value::Nil)
    }

    async fn remove(&self, key: &str) -> Result<bool, Error> {
        let mut command = redis::cmd("UNLINK");
        command.arg(self.client.keys.value(key));
        self.client.query(&command).await
    }
}
