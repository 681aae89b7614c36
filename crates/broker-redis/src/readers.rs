//! Waiting for jobs: connections that block.
//!
//! A blocked connection answers nothing else, so each wait has one of its own, from a pool for each node.

use std::{collections::HashMap, sync::Arc, time::Duration};

use broker::Error;
use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleResult, Timeouts};
use deadpool_redis::{Manager, Runtime, TimeoutType};
use parking_lot::Mutex;
use redis::{AsyncConnectionConfig, RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::time::timeout;

use crate::{
    error::{from_redis, too_late},
    nodes::Nodes,
    target::Node,
};

/// A connection that was lent so shortly ago is lent again as it is. One that is broken says so when it is used.
const FRESH: Duration = Duration::from_secs(2);

/// The connections on which claims wait.
pub(crate) struct Readers {
    nodes: Arc<Nodes>,
    size: usize,
    pools: Mutex<HashMap<Node, Pool<Fresh>>>,
}

/// Makes connections, and asks those whether they still are one that have not been used for a while. deadpool-redis asks each time,
/// which is a round trip more for each claim.
struct Fresh(Manager);

impl managed::Manager for Fresh {
    type Type = MultiplexedConnection;
    type Error = RedisError;

    async fn create(&self) -> Result<MultiplexedConnection, RedisError> {
        self.0.create().await
    }

    async fn recycle(
        &self,
        connection: &mut MultiplexedConnection,
        metrics: &Metrics,
    ) -> RecycleResult<RedisError> {
        if metrics.last_used() < FRESH { Ok(()) } else { self.0.recycle(connection, metrics).await }
    }
}

/// An entry of a queue, delivered for the first time.
pub(crate) struct Entry {
    pub(crate) id: String,
    /// None in an entry that only wakes.
    pub(crate) job: Option<Vec<u8>>,
}

type Reply = Option<Vec<(String, Vec<(String, Vec<Vec<u8>>)>)>>;

impl Readers {
    pub(crate) fn new(nodes: Arc<Nodes>, size: usize) -> Self {
        Self { nodes, size: size.max(1), pools: Mutex::default() }
    }

    /// Waits up to `block` for entries of a queue, and delivers up to `max` of them to `consumer`. Where no connection is
    /// free all the time, nothing comes.
    ///
    /// When this is dropped, its connection is closed: its wait goes on at the server, and the next one to use it would
    /// get what this one asked for.
    pub(crate) async fn read(
        &self,
        queue: &str,
        consumer: &str,
        max: usize,
        block: Duration,
    ) -> Result<Vec<Entry>, Error> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg("workers").arg(consumer).arg("COUNT").arg(max);
        command.arg("BLOCK").arg(block.as_millis().max(1) as u64).arg("STREAMS").arg(queue).arg(">");
        // A queue that is claimed from was looked at just now, so its node is known.
        let node = self.nodes.node(queue).ok_or_else(|| Error::unavailable("no node has the queue"))?;
        let Some(mut lent) = self.lend(&node, block).await? else { return Ok(Vec::new()) };
        let answer = timeout(block + self.nodes.target().response_timeout, lent.query(&command)).await;
        let error = match answer.map_err(|_| too_late())? {
            Ok(reply) => {
                lent.give_back();
                return Ok(entries(reply));
            }
            Err(error) => error,
        };
        match error.code() {
            // The queue has moved, expired or was deleted under the wait. The caller looks again, and finds it.
            Some("MOVED" | "ASK" | "NOGROUP" | "UNBLOCKED") => {
                lent.give_back();
                Ok(Vec::new())
            }
            _ => {
                // The node may be gone for good; if it is not, connecting again costs little.
                self.pools.lock().remove(&node);
                self.nodes.suspect();
                Err(from_redis(error))
            }
        }
    }

    async fn lend(&self, node: &Node, wait: Duration) -> Result<Option<Lent>, Error> {
        let (pool, target) = (self.pool(node)?, self.nodes.target());
        let timeouts = Timeouts {
            wait: Some(wait),
            create: Some(target.connect_timeout),
            recycle: Some(target.response_timeout),
        };
        match pool.timeout_get(&timeouts).await {
            Ok(connection) => Ok(Some(Lent(Some(connection)))),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Ok(None),
            Err(error) => {
                self.nodes.suspect();
                Err(match error {
                    PoolError::Backend(error) => from_redis(error),
                    error => Error::unavailable(error),
                })
            }
        }
    }

    fn pool(&self, node: &Node) -> Result<Pool<Fresh>, Error> {
        let mut pools = self.pools.lock();
        if let Some(pool) = pools.get(node) {
            return Ok(pool.clone());
        }
        let target = self.nodes.target();
        // No time-out of the connection's own: it would end every wait. Each command here has one.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(target.connect_timeout))
            .set_response_timeout(None);
        let info = target.connection(node).map_err(from_redis)?;
        let manager = Manager::new_with_config(info, config).map_err(from_redis)?;
        let pool = Pool::builder(Fresh(manager)).max_size(self.size).runtime(Runtime::Tokio1).build();
        let pool = pool.map_err(Error::refused)?;
        pools.retain(|node, _| self.nodes.knows(node));
        pools.insert(Arc::clone(node), pool.clone());
        Ok(pool)
    }
}

/// A connection that is given back on purpose only.
struct Lent(Option<Object<Fresh>>);

impl Lent {
    async fn query(&mut self, command: &redis::Cmd) -> RedisResult<Reply> {
        match &mut self.0 {
            Some(connection) => command.query_async(&mut **connection).await,
            None => Ok(None),
        }
    }

    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

fn entries(reply: Reply) -> Vec<Entry> {
    let streams = reply.unwrap_or_default().into_iter();
    let entry = |(id, fields): (String, Vec<Vec<u8>>)| {
        let mut fields = fields.into_iter();
        let is_job = fields.next().is_some_and(|name| name == b"job");
        Entry { id, job: fields.next().filter(|_| is_job) }
    };
    streams.flat_map(|(_, entries)| entries).map(entry).collect()
}

#[cfg(test)]
mod tests;
