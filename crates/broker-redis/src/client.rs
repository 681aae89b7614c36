//! What everyone shares, for all that is answered at once: scripts and commands, each in a bounded time.

use std::{sync::Arc, time::Duration};

use broker::Error;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind, Value};
use tokio::time::timeout;

use crate::{
    Config,
    error::{from_redis, too_late, unreadable},
    keys::Keys,
    nodes::Nodes,
    scripts::Call,
};

/// A handle on the shared connections. Cloning shares them.
#[derive(Clone)]
pub(crate) struct Client {
    nodes: Arc<Nodes>,
    pub(crate) keys: Arc<Keys>,
    response_timeout: Duration,
}

impl Client {
    pub(crate) fn new(nodes: Arc<Nodes>, config: &Config) -> Self {
        let keys = Arc::new(Keys::new(&config.key_prefix));
        Self { nodes, keys, response_timeout: config.response_timeout }
    }

    /// Whether there are several nodes, each with some of the keys.
    pub(crate) fn is_cluster(&self) -> bool {
        self.nodes.target().is_cluster()
    }

    /// The command by which scripts publish: in a cluster on the node of their keys alone.
    pub(crate) fn publish(&self) -> &'static str {
        if self.is_cluster() { "SPUBLISH" } else { "PUBLISH" }
    }

    /// The partition for a new stream.
    pub(crate) fn home(&self) -> u16 {
        self.nodes.home()
    }

    /// Runs a script.
    pub(crate) async fn run<T: FromRedisValue>(&self, call: &Call) -> Result<T, Error> {
        self.in_time(async {
            match self.nodes.send(call.key(), call.by_hash()).await {
                // The server has started since, or is another one: now it learns the script.
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    self.nodes.send(call.key(), &call.in_full()).await
                }
                result => result,
            }
        })
        .await
    }

    /// Sends a command about one key.
    pub(crate) async fn query<T: FromRedisValue>(&self, key: &str, command: &Cmd) -> Result<T, Error> {
        self.in_time(self.nodes.send(key, command)).await
    }

    async fn in_time<T: FromRedisValue>(
        &self,
        answer: impl Future<Output = RedisResult<Value>>,
    ) -> Result<T, Error> {
        let Ok(answer) = timeout(self.response_timeout, answer).await else {
            self.nodes.suspect();
            return Err(too_late());
        };
        redis::from_redis_value(answer.map_err(from_redis)?).map_err(unreadable)
    }
}
