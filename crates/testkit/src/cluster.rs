//! A cluster in one process: real gateways on real sockets, real workers, and a broker in the middle.
//!
//! Each member has a runtime of its own, so that it can be killed with all its tasks and sockets, as a process is.

use std::{net::SocketAddr, sync::Arc};

use broker::{Broker, Member};
use engine::Engine;
use gateway::{Gateway, Pressure};
use identity::Authenticator;
use prometheus_client::registry::Registry;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use worker::{ModelConfig, Served, Worker};

/// The name of the model that a cluster's workers serve.
pub const MODEL: &str = "test-model";

/// Gateways and workers around one broker.
#[derive(Debug)]
pub struct Cluster {
    broker: Broker,
}

/// A gateway or worker that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    drain: CancellationToken,
    task: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

/// A gateway that runs.
#[derive(Debug)]
pub struct RunningGateway {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its life.
    pub running: Running,
    /// Whether it has too much to do, as a test says.
    pub pressure: Pressure,
}

impl Running {
    fn start<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(CancellationToken) -> F) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let drain = CancellationToken::new();
        let task = runtime.spawn(run(drain.clone()));
        Self { drain, task: Some(task), runtime: Some(runtime) }
    }

    /// Begins a planned stop, and waits for its end.
    ///
    /// # Panics
    /// When the member panicked.
    pub async fn drain(mut self) {
        self.drain.cancel();
        if let Some(task) = self.task.take() {
            task.await.expect("a member that did not panic");
        }
    }

    /// Stops it in the middle of whatever it does, as a crash would.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Cluster {
    /// A cluster around `broker`, with nothing in it yet.
    pub const fn new(broker: Broker) -> Self {
        Self { broker }
    }

    /// The broker.
    pub const fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Adds a gateway on a free port of the loopback, for anyone.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn gateway(&self, config: gateway::Config) -> RunningGateway {
        self.gateway_for(config, Authenticator::open())
    }

    /// Adds a gateway on a free port of the loopback, for those whom `authenticator` lets in.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn gateway_for(&self, config: gateway::Config, authenticator: Authenticator) -> RunningGateway {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("the port's address");
        let metrics = gateway::Metrics::register(&mut Registry::default());
        let pressure = Pressure::default();
        let gateway = Gateway::build(
            config,
            Arc::new(authenticator),
            self.broker.clone(),
            Member::random("gateway"),
            metrics,
            pressure.clone(),
        );
        let running = Running::start(|drain| async move {
            gateway.run(TcpListener::from_std(listener).expect("a listener"), None, drain).await;
        });
        RunningGateway { address, running, pressure }
    }

    /// Adds a worker that serves [`MODEL`] by `engine`, and waits until the model is known.
    ///
    /// # Panics
    /// When the broker fails.
    pub async fn worker(
        &self,
        config: worker::Config,
        model: ModelConfig,
        engine: Arc<dyn Engine>,
    ) -> Running {
        self.worker_of(config, vec![Served { config: model, engine }]).await
    }

    /// Adds a worker of several models or servers, and waits until the first model is known.
    ///
    /// # Panics
    /// When the broker fails, or nothing is served.
    pub async fn worker_of(&self, config: worker::Config, served: Vec<Served>) -> Running {
        let metrics = worker::Metrics::register(&mut Registry::default());
        let name = served[0].config.name.clone();
        let worker = Worker::build(config, self.broker.clone(), Member::random("worker"), metrics);
        let servers = worker.servers();
        let running = Running::start(|drain| async move { worker.run(drain).await.expect("the broker") });
        for served in served {
            servers.add(served).await;
        }
        while !self.broker.control.models().await.expect("the broker").iter().any(|model| model.name == name)
        {
            tokio::task::yield_now().await;
        }
        running
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
