//! A whole worker with the broker in memory: from what a model says, through the composer and the outbox, into the log.

use std::sync::Arc;

use async_trait::async_trait;
use broker::{Broker, Listener, Member, memory};
use engine::{Call, Engine, Error, Finish, Output, Outputs};
use futures_util::{StreamExt, stream as streams};
use prometheus_client::registry::Registry;
use stream::{Record, ResponseId};
use tokio::{sync::Notify, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worker::{Config, Continuation, Metrics, ModelConfig, Served, Timeouts, Worker};

use crate::{
    case::Run,
    samples::{LONG, MODEL, PAUSE, created, job, response as nth, runtime, texts},
};

pub(crate) fn response() -> Run {
    let (runtime, broker, tasks) = (runtime(), memory::broker(), TaskTracker::new());
    runtime.block_on(work(&broker, &tasks));
    let mut responses = (0..).map(nth);
    Box::new(move || {
        let id = responses.next().expect("one more");
        runtime.block_on(produce(&broker, id));
    })
}

async fn work(broker: &Broker, tasks: &TaskTracker) {
    let metrics = Metrics::register(&mut Registry::default());
    let worker = Worker::build(Config::default(), broker.clone(), Member::new("worker"), metrics);
    let servers = worker.servers();
    tasks.spawn(worker.run(CancellationToken::new()));
    let config = ModelConfig {
        name: MODEL.to_owned(),
        upstream_name: MODEL.to_owned(),
        concurrency: 1,
        timeouts: Timeouts { response: LONG, ..Timeouts::default() },
        continuation: Continuation::None,
    };
    servers.add(Served { config, engine: Arc::new(Speaker) }).await;
}

async fn produce(broker: &Broker, id: ResponseId) {
    let (job, end) = (job(id), Arc::new(End::default()));
    broker.log.create(id, &job.header, &[created(id)]).await.expect("a broker");
    let listening = broker.log.listen(id, Arc::clone(&end) as Arc<dyn Listener>).await.expect("a broker");
    broker.jobs.enqueue(&job).await.expect("a broker");
    end.0.notified().await;
    drop(listening);
}

/// Waits for the end of a stream.
#[derive(Default)]
struct End(Notify);

impl Listener for End {
    fn heard(&self, _: ResponseId, record: Arc<Record>) {
        if record.is_terminal() {
            self.0.notify_one();
        }
    }

    fn interrupted(&self, _: ResponseId) {}
}

/// A model that says always the same, at the speed of a usual one.
struct Speaker;

#[async_trait]
impl Engine for Speaker {
    async fn generate(&self, _: Call) -> Result<Outputs, Error> {
        let said = streams::iter(texts()).then(|text| async move {
            sleep(PAUSE).await;
            Ok(Output::Text { text: text.into(), logprobs: None })
        });
        Ok(said.chain(streams::iter([Ok(Output::Finish(Finish::Stop))])).boxed())
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }
}
