//! Waiting for jobs: connections that block.
//!
//! A blocked connection answers nothing else, so each wait has one of its own, from a pool for each node. In a cluster
//! the node that has a queue is found by asking: any other one says where it is.

use std::{collections::HashMap, sync::Arc, time::Duration};

use broker::Error;
use deadpool_redis::{Connection, Manager, Pool, PoolError, Runtime, Timeouts};
use parking_lot::Mutex;
use redis::{AsyncConnectionConfig, RedisError, RedisResult};
use tokio::time::timeout;

use crate::{
    error::{from_redis, too_late},
    target::{Node, Target},
};

/// How often a wait is sent on to another node before it gives up.
const REDIRECTS: usize = 3;

/// How many queues' nodes are remembered. Beyond that all are forgotten, and found again by asking.
const REMEMBERED_HOMES: usize = 4_096;

/// The connections on which claims wait.
pub(crate) struct Readers {
    target: Target,
    size: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    pools: HashMap<Node, Pool>,
    homes: HashMap<Arc<str>, Node>,
    /// Which seed to ask next.
    turn: usize,
}

/// An entry of a queue, delivered for the first time.
pub(crate) struct Entry {
    pub(crate) id: String,
    /// None in an entry that only wakes.
    pub(crate) job: Option<Vec<u8>>,
}

type Reply = Option<Vec<(String, Vec<(String, Vec<Vec<u8>>)>)>>;

impl Readers {
    pub(crate) fn new(target: Target, size: usize) -> Self {
        Self { target, size: size.max(1), state: Mutex::default() }
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
        for _ in 0..REDIRECTS {
            let node = self.home(queue);
            let Some(mut lent) = self.lend(&node, block).await? else { return Ok(Vec::new()) };
            let answer = timeout(block + self.target.response_timeout, lent.query(&command)).await;
            match answer.map_err(|_| too_late())? {
                Ok(reply) => {
                    lent.give_back();
                    return Ok(entries(reply));
                }
                Err(error) if has_vanished(&error) => {
                    lent.give_back();
                    return Ok(Vec::new());
                }
                Err(error) => match error.redirect_node() {
                    Some((node, _)) => {
                        self.move_home(queue, &node.into());
                        lent.give_back();
                    }
                    None => {
                        self.forget_home(queue);
                        return Err(from_redis(error));
                    }
                },
            }
        }
        self.forget_home(queue);
        Err(Error::unavailable("the queue moves between nodes"))
    }

    async fn lend(&self, node: &Node, wait: Duration) -> Result<Option<Lent>, Error> {
        let pool = self.pool(node)?;
        let connect = Some(self.target.connect_timeout);
        let timeouts =
            Timeouts { wait: Some(wait), create: connect, recycle: Some(self.target.response_timeout) };
        match pool.timeout_get(&timeouts).await {
            Ok(connection) => Ok(Some(Lent(Some(connection)))),
            Err(PoolError::Timeout(deadpool_redis::TimeoutType::Wait)) => Ok(None),
            Err(PoolError::Backend(error)) => Err(from_redis(error)),
            Err(error) => Err(Error::unavailable(error)),
        }
    }

    fn pool(&self, node: &Node) -> Result<Pool, Error> {
        let mut state = self.state.lock();
        if let Some(pool) = state.pools.get(node) {
            return Ok(pool.clone());
        }
        let info = self.target.connection(node).ok_or_else(|| Error::refused("a node without an address"))?;
        // No time-out of the connection's own: it would end every wait. Each command here has one.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.target.connect_timeout))
            .set_response_timeout(None);
        let manager = Manager::new_with_config(info, config).map_err(from_redis)?;
        let pool = Pool::builder(manager).max_size(self.size).runtime(Runtime::Tokio1).build();
        let pool = pool.map_err(Error::refused)?;
        state.pools.insert(Arc::clone(node), pool.clone());
        Ok(pool)
    }

    /// The node that has the queue, as far as is known.
    fn home(&self, queue: &str) -> Node {
        let mut state = self.state.lock();
        if let Some(home) = state.homes.get(queue) {
            return Arc::clone(home);
        }
        state.turn += 1;
        let seeds = self.target.connections().len().max(1);
        self.target.seeds().nth(state.turn % seeds).unwrap_or_default()
    }

    fn move_home(&self, queue: &str, node: &Node) {
        let mut state = self.state.lock();
        if state.homes.len() >= REMEMBERED_HOMES {
            state.homes.clear();
        }
        state.homes.insert(queue.into(), Arc::clone(node));
    }

    fn forget_home(&self, queue: &str) {
        let mut state = self.state.lock();
        if let Some(home) = state.homes.remove(queue) {
            // The node may be gone for good; if it is not, connecting again costs little.
            state.pools.remove(&home);
        }
    }
}

/// A connection that is given back on purpose only.
struct Lent(Option<Connection>);

impl Lent {
    async fn query(&mut self, command: &redis::Cmd) -> RedisResult<Reply> {
        match &mut self.0 {
            Some(connection) => command.query_async(connection).await,
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
            drop(Connection::take(connection));
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

/// Whether the queue expired, or was deleted, under the wait.
fn has_vanished(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOGROUP" | "UNBLOCKED"))
}
