//! The usual scene: one gateway, one worker, and a model whose words are the test's.

use std::sync::Arc;

use broker::Broker;
use serde_json::{Value, json};

use crate::{
    client::{Http, Socket},
    cluster::{Cluster, MODEL, Running, RunningGateway, model},
    puppet::{Stage, puppet},
};

/// A small cluster.
#[derive(Debug)]
pub struct Scene {
    /// To add to.
    pub cluster: Cluster,
    /// The gateway.
    pub gateway: RunningGateway,
    /// The worker.
    pub worker: Running,
    /// Where its model's calls turn up.
    pub stage: Arc<Stage>,
}

impl Scene {
    /// On the memory broker, with settings as they are by default.
    pub async fn new() -> Self {
        Self::with(broker::memory::broker(), gateway::Config::default(), worker::Config::default()).await
    }

    /// On this broker, with these settings.
    pub async fn with(broker: Broker, gateway: gateway::Config, worker: worker::Config) -> Self {
        let cluster = Cluster::new(broker);
        let (engine, stage) = puppet();
        let worker = cluster.worker(worker, model(), engine).await;
        let gateway = cluster.gateway(gateway);
        Self { cluster, gateway, worker, stage }
    }

    /// A WebSocket to the gateway.
    pub async fn socket(&self) -> Socket {
        Socket::connect(self.gateway.address).await
    }

    /// An HTTP client of the gateway.
    pub fn http(&self) -> Http {
        Http::new(self.gateway.address)
    }

    /// Lets the model answer its next call with `words`, and end.
    pub async fn answer(&self, words: &[&str]) {
        let call = self.stage.next_call().await;
        for word in words {
            call.say(word).await;
        }
        call.finish().await;
    }
}

/// A `response.create` message, with these members added.
pub fn create(input: &str, more: Value) -> Value {
    merged(json!({"type": "response.create", "model": MODEL, "input": input}), more)
}

/// The body of a `POST /v1/responses`, with these members added.
pub fn body(input: &str, more: Value) -> Value {
    merged(json!({"model": MODEL, "input": input}), more)
}

fn merged(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}
