//! A cluster in one process: real gateways on real sockets, real workers, and a broker in the middle.

use std::{net::SocketAddr, sync::Arc};

use broker::{Broker, Member};
use engine::Engine;
use gateway::Gateway;
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worker::{ModelConfig, Served, Worker};

/// The name of the model that a cluster's workers serve.
pub const MODEL: &str = "test-model";

/// Gateways and workers around one broker.
#[derive(Debug)]
pub struct Cluster {
    broker: Broker,
    tasks: TaskTracker,
}

/// A gateway or worker that runs.
#[derive(Debug)]
pub struct Running {
    drain: CancellationToken,
    task: JoinHandle<()>,
}

/// A gateway that runs.
#[derive(Debug)]
pub struct RunningGateway {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its life.
    pub running: Running,
}

impl Running {
    /// Begins a planned stop, and waits for its end.
    pub async fn drain(self) {
        self.drain.cancel();
        let _ = self.task.await;
    }

    /// Stops it in the middle of whatever it does, as a crash would.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Cluster {
    /// A cluster around `broker`, with nothing in it yet.
    pub fn new(broker: Broker) -> Self {
        Self { broker, tasks: TaskTracker::new() }
    }

    /// The broker.
    pub const fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Adds a gateway on a free port of the loopback.
    ///
    /// # Panics
    /// When there is no free port.
    #[expect(clippy::expect_used, reason = "a test without a port has failed")]
    pub async fn gateway(&self, config: gateway::Config) -> RunningGateway {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port's address");
        let metrics = gateway::Metrics::register(&mut Registry::default());
        let gateway = Gateway::build(config, self.broker.clone(), Member::random("gateway"), metrics);
        let drain = CancellationToken::new();
        let task = self.tasks.spawn(gateway.run(listener, drain.clone()));
        RunningGateway { address, running: Running { drain, task } }
    }

    /// Adds a worker that serves [`MODEL`] by `engine`, and waits until the model is known.
    ///
    /// # Panics
    /// When the broker fails.
    #[expect(clippy::expect_used, reason = "a test without a worker has failed")]
    pub async fn worker(&self, config: worker::Config, model: ModelConfig, engine: Arc<dyn Engine>) -> Running {
        let metrics = worker::Metrics::register(&mut Registry::default());
        let name = model.name.clone();
        let served = vec![Served { config: model, engine }];
        let worker = Worker::build(config, served, self.broker.clone(), Member::random("worker"), metrics);
        let drain = CancellationToken::new();
        let stop = drain.clone();
        let task = self.tasks.spawn(async move { worker.run(stop).await.expect("the broker") });
        while !self.broker.control.models().await.expect("the broker").iter().any(|model| model.name == name) {
            tokio::task::yield_now().await;
        }
        Running { drain, task }
    }
}

/// How a cluster's worker serves [`MODEL`], unless a test says otherwise.
pub fn model() -> ModelConfig {
    ModelConfig {
        name: MODEL.to_owned(),
        upstream_name: MODEL.to_owned(),
        concurrency: 64,
        timeouts: worker::Timeouts::default(),
        continuation: worker::Continuation::None,
    }
}
