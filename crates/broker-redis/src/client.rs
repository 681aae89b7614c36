//! The connection that everyone shares, for all that is answered at once.

use std::{sync::Arc, time::Duration};

use broker::Error;
use redis::{
    Cmd, FromRedisValue, Pipeline, RedisFuture, RedisResult, ScriptInvocation, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
};
use tokio::time::timeout;

use crate::{
    Config,
    error::{from_redis, too_late},
    keys::Keys,
    target::{Target, tcp_settings},
};

/// How many commands wait to be written before the next caller waits to add one.
const WRITE_QUEUE: usize = 1_024;

/// How often a cluster's client tries another node before the caller is told. The caller knows better whether it pays.
const CLUSTER_RETRIES: u32 = 3;

/// A handle on the shared connection. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Client {
    connection: Connection,
    pub(crate) keys: Arc<Keys>,
    /// The command by which a script publishes to the live path.
    pub(crate) publish: &'static str,
    response_timeout: Duration,
}

#[derive(Clone)]
enum Connection {
    Server(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Client {
    pub(crate) async fn connect(target: &Target, config: &Config) -> Result<Self, Error> {
        let connecting = async {
            if target.is_cluster() { connect_cluster(target).await } else { connect_server(target).await }
        };
        let connecting = timeout(2 * config.connect_timeout, Box::pin(connecting));
        let connection = connecting.await.map_err(|_| too_late())?.map_err(from_redis)?;
        Ok(Self {
            connection,
            keys: Arc::new(Keys::new(&config.key_prefix)),
            publish: if target.is_cluster() { "SPUBLISH" } else { "PUBLISH" },
            response_timeout: config.response_timeout,
        })
    }

    /// Runs a script, which is loaded where the server does not know it yet.
    pub(crate) async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        let mut connection = self.connection.clone();
        self.in_time(script.invoke_async(&mut connection)).await
    }

    /// Sends a command.
    pub(crate) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        let mut connection = self.connection.clone();
        self.in_time(command.query_async(&mut connection)).await
    }

    async fn in_time<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
        timeout(self.response_timeout, answer).await.map_err(|_| too_late())?.map_err(from_redis)
    }
}

async fn connect_server(target: &Target) -> RedisResult<Connection> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(target.connect_timeout))
        .set_response_timeout(Some(target.response_timeout))
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(500))
        .set_pipeline_buffer_size(WRITE_QUEUE);
    let client = redis::Client::open(target.connections()[0].clone())?;
    Ok(Connection::Server(client.get_connection_manager_with_config(config).await?))
}

async fn connect_cluster(target: &Target) -> RedisResult<Connection> {
    let mut builder = ClusterClientBuilder::new(target.connections().to_vec())
        .connection_timeout(target.connect_timeout)
        .response_timeout(target.response_timeout)
        .tcp_settings(tcp_settings())
        .retries(CLUSTER_RETRIES);
    if let Some(certificates) = target.certificates() {
        builder = builder.certs(certificates.clone());
    }
    Ok(Connection::Cluster(builder.build()?.get_async_connection().await?))
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}
