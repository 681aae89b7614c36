//! Servers for the generator.

use std::{sync::Arc, time::Duration};

use engine::{DemoConfig, DemoEngine};
use futures_util::{SinkExt as _, StreamExt as _};
use load::{Crew, Load, Report, Watch, numbered};
use serde_json::json;
use testkit::cluster::{Cluster, MODEL, Running, RunningGateway, model};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::task::TaskTracker;

/// A gateway and a worker, whose model says what the prompt wants as fast as it is heard.
pub(crate) struct Server {
    gateway: RunningGateway,
    _worker: Running,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(gateway::Config::default()).await
    }

    /// With a gateway so configured.
    pub(crate) async fn with(config: gateway::Config) -> Self {
        let cluster = Cluster::new(broker::memory::broker());
        let engine = DemoEngine::new(DemoConfig { models: vec![MODEL.to_owned()], ..DemoConfig::unpaced() });
        let worker = cluster.worker(worker::Config::default(), model(), Arc::new(engine)).await;
        Self { gateway: cluster.gateway(config), _worker: worker }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.gateway.address)
    }
}

/// Runs a load in this process.
pub(crate) async fn run(load: Load) -> Report {
    let crew = Crew::here(load.clone()).unwrap();
    let watch = Watch::begin(Vec::new()).unwrap();
    load::conduct(&load, crew, &watch, Duration::ZERO, drop).await.unwrap()
}

/// A peer that says these tokens, as index and number of the word, to whoever asks. Its URL.
pub(crate) async fn damaged(tokens: Vec<(u64, usize)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        while let Some(Ok(Message::Text(_))) = socket.next().await {
            for (index, word) in &tokens {
                let token = json!({ "type": "token", "index": index, "text": numbered::token(*word) });
                socket.feed(Message::text(token.to_string())).await.unwrap();
            }
            socket.send(Message::text(r#"{"type":"done"}"#)).await.unwrap();
        }
    });
    format!("ws://{address}/ws")
}
