//! The broker on Redis, standalone or a cluster, from version 7 on.
//!
//! What a response says is a Redis Stream, and so is each queue of jobs; the live path is Pub/Sub, sharded in a cluster.
//! Whatever must happen at once is a Lua script (`src/lua`): one round trip, and nobody sees half of it. An append
//! checks the epoch and the sequence number, adds the record, publishes it and answers whether to stop, in one of them;
//! those of several streams leave together (`appends`).
//!
//! Three kinds of connections to each node: one that everyone shares for what is answered at once (`nodes`), some that
//! wait for jobs (`readers`), and one that hears the live path (`live`). All of them come back by themselves.
//!
//! How durable it is, is up to the server: with `appendonly yes` a restart loses nothing but the last second, with
//! `appendfsync always` nothing at all; memory must not be reclaimed by evicting keys (`maxmemory-policy noeviction`).
//! Where that is not so, [`connect`] says so in the log.

mod config;
mod target;

mod error;
mod examination;
mod keys;
mod nodes;
mod probe;
mod scripts;
mod slots;

mod appends;
mod client;
mod live;
mod readers;

mod control;
mod jobs;
mod log;
mod store;

use std::sync::Arc;

use broker::{Broker, Error};

pub use config::{Config, Identity, Tls};
pub use examination::examine;

use self::{
    client::Client, control::RedisControl, error::from_redis, jobs::Jobs, live::Live, log::Log, nodes::Nodes,
    readers::Readers, store::Values, target::Target,
};

/// Connects to Redis, and finds out whether it will do.
///
/// # Errors
/// When no server can be reached, or the one that answers cannot be used. Either way the error says what to do.
pub async fn connect(config: Config) -> Result<Broker, Error> {
    let target = Target::new(&config)?;
    probe::probe(&target).await?;
    let nodes = Arc::new(Nodes::new(target));
    nodes.prepare().await.map_err(from_redis)?;
    let client = Client::new(Arc::clone(&nodes), &config);
    let live = Arc::new(Live::start(Arc::clone(&nodes), client.clone(), &config));
    let readers = Readers::new(nodes, config.pool_size);
    let log = Arc::new(Log::new(client.clone(), Arc::clone(&live), &config));
    Ok(Broker {
        jobs: Arc::new(Jobs::new(client.clone(), Arc::clone(&log), readers, &config)),
        log,
        control: Arc::new(RedisControl::new(client.clone(), live)),
        store: Arc::new(Values::new(client)),
    })
}
