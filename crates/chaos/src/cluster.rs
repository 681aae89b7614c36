//! What is tormented: a broker, model servers, gateways and workers, all of them real, with a proxy in each line between them.
//!
//! ```text
//!   clients ── proxy ──▶ gateway ── proxy ──▶ broker ◀── proxy ── worker ── proxy ──▶ model server
//! ```

mod kafka;
mod lines;
mod member;
mod redis;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;
use testkit::model_server::{ModelServer, Script};
use tokio::sync::Mutex;

use kafka::Kafka;
use lines::Lines;
pub(crate) use member::{Member, Role};
use redis::Redis;

use crate::{
    arguments::{Broker, Persistence},
    ledger::Ledger,
    proxy::Proxy,
};

/// The name of the one model.
pub(crate) const MODEL: &str = "scripted";

/// How long a stopped gateway waits for its streams, so that some of them end there and others move.
pub(crate) const GATEWAY_DRAIN: Duration = Duration::from_secs(6);
/// The same of a worker, which hands over what is left.
pub(crate) const WORKER_DRAIN: Duration = Duration::from_secs(4);

/// What a cluster consists of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) gateways: usize,
    pub(crate) workers: usize,
    pub(crate) model_servers: usize,
    /// How Redis keeps what it has.
    pub(crate) persistence: Persistence,
    /// If it is Kafka, Redis is the store beside it.
    pub(crate) broker: Broker,
    pub(crate) kafka_nodes: u32,
}

/// A cluster. All of its processes end with it.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The broker, or the store beside it. Locked while somebody has it in hand.
    pub(crate) redis: Mutex<Redis>,
    /// The broker, if Redis is not. Locked while somebody has one of its nodes in hand.
    pub(crate) kafka: Option<Mutex<Kafka>>,
    pub(crate) models: Vec<(ModelServer, Proxy)>,
    pub(crate) gateways: Vec<Member>,
    pub(crate) workers: Vec<Member>,
    _settings: TempDir,
}

impl Cluster {
    /// Starts everything, and waits until it is ready.
    ///
    /// # Errors
    /// When something cannot be started.
    pub(crate) async fn start(
        parts: Parts,
        program: &Path,
        logs: &Path,
        ledger: &Ledger,
    ) -> io::Result<Self> {
        let redis = match parts.broker {
            Broker::Redis | Broker::Kafka => Redis::start(parts.persistence, logs).await,
            Broker::RedisCluster => Redis::start_cluster(parts.persistence, logs).await,
        };
        let addresses = redis.addresses()?;
        let mut lines = Vec::new();
        for process in 0..parts.gateways + parts.workers {
            lines.push(match parts.broker {
                Broker::Redis => Lines::to_redis(addresses[0]).await?,
                Broker::RedisCluster => Lines::to_redis_cluster(process, &addresses).await?,
                Broker::Kafka => Lines::to_kafka(parts.kafka_nodes, addresses[0]).await?,
            });
        }
        let kafka = match parts.broker {
            Broker::Redis | Broker::RedisCluster => None,
            Broker::Kafka => Some(Mutex::new(Kafka::start(parts.kafka_nodes, &lines).await)),
        };
        let settings = TempDir::new()?;
        let mut models = Vec::new();
        for _ in 0..parts.model_servers {
            let server = ModelServer::start(Script::default()).await?;
            let proxy = Proxy::start(Some(server.address())).await?;
            models.push((server, proxy));
        }
        let (mut gateways, mut workers, mut lines) = (Vec::new(), Vec::new(), lines.into_iter());
        for (number, lines) in lines.by_ref().take(parts.gateways).enumerate() {
            let file = write(&settings, &format!("gateway-{number}.toml"), &gateway_settings())?;
            gateways.push(Member::new(Role::Gateway, number, program, file, logs, lines).await?);
        }
        let addresses: Vec<_> = models.iter().map(|(_, proxy)| proxy.address()).collect();
        for (number, lines) in lines.enumerate() {
            let file = write(&settings, &format!("worker-{number}.toml"), &worker_settings(&addresses))?;
            workers.push(Member::new(Role::Worker, number, program, file, logs, lines).await?);
        }
        for member in workers.iter().chain(&gateways) {
            member.up(&mut *member.life.lock().await, ledger).await?;
        }
        Ok(Self { redis: Mutex::new(redis), kafka, models, gateways, workers, _settings: settings })
    }

    /// Where clients connect: a proxy in front of each gateway.
    pub(crate) fn doors(&self) -> Vec<SocketAddr> {
        self.gateways.iter().filter_map(Member::door).collect()
    }

    /// Calls that the model servers are still answering.
    pub(crate) async fn calls_left(&self, patience: Duration) -> u64 {
        let mut left = 0;
        for (server, _) in &self.models {
            let ended = server.wait_until(|stats| stats.running == 0, patience).await;
            left += ended.map_or_else(|stats| stats.running, |stats| stats.running);
        }
        left
    }
}

fn write(settings: &TempDir, name: &str, text: &str) -> io::Result<PathBuf> {
    let file = settings.path().join(name);
    std::fs::write(&file, text)?;
    Ok(file)
}

fn gateway_settings() -> String {
    format!("[gateway]\nstore_ttl = \"10m\"\ndrain_timeout = \"{}s\"\n", GATEWAY_DRAIN.as_secs())
}

/// Streams that have ended are kept for a minute: Redis reads them all at each start, and who wants one comes at once.
fn worker_settings(models: &[SocketAddr]) -> String {
    let worker = format!(
        "[worker]\nmax_attempts = 1000\nreplay_ttl = \"1m\"\nstore_ttl = \"10m\"\ndrain_timeout = \"{}s\"\n",
        WORKER_DRAIN.as_secs()
    );
    let upstream = |address: &SocketAddr| {
        format!(
            "\n[[upstream]]\nurl = \"http://{address}/v1\"\nmodels = [\"{MODEL}\"]\ncontinuation = \"prefill\"\nconcurrency = 512\n"
        )
    };
    worker + &models.iter().map(upstream).collect::<String>()
}
