//! A whole worker with the broker in memory: from what a model says, through the composer and the outbox, into the log.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{Broker, Listener, Member, memory};
use engine::{Call, Engine, Error, Finish, Output, Outputs};
use futures_util::{StreamExt, stream as streams};
use prometheus_client::registry::Registry;
use stream::{Record, ResponseId};
use tokio::{sync::Notify, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use worker::{Config, Continuation, Metrics, ModelConfig, Served, Timeouts, Worker};

use super::distant::Distant;
use crate::{
    EVENTS,
    case::Run,
    samples::{LONG, MODEL, PAUSE, created, job, response, runtime, texts},
};

/// One token after the other, each in an append of its own.
pub(crate) fn paced() -> Run {
    case(memory::broker(), Speaker { pause: Some(PAUSE), tokens: EVENTS })
}

/// As many tokens as are taken, while an append takes its time: they leave in few of them, and over a third is the composer's.
pub(crate) fn burst() -> Run {
    let broker = memory::broker();
    let log = Arc::new(Distant(Arc::clone(&broker.log)));
    case(Broker { log, ..broker }, Speaker { pause: None, tokens: EVENTS })
}

fn case(broker: Broker, speaker: Speaker) -> Run {
    let (runtime, tasks) = (runtime(), TaskTracker::new());
    runtime.block_on(work(&broker, speaker, &tasks));
    let mut responses = (0..).map(response);
    Box::new(move || {
        let id = responses.next().expect("one more");
        runtime.block_on(produce(&broker, id));
    })
}

/// A worker whose model is `speaker`.
pub(crate) async fn work(broker: &Broker, speaker: Speaker, tasks: &TaskTracker) {
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
    servers.add(Served { config, engine: Arc::new(speaker) }).await;
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

/// A model that says always the same.
pub(crate) struct Speaker {
    /// The time before each token.
    pub(crate) pause: Option<Duration>,
    /// How many it says.
    pub(crate) tokens: u64,
}

#[async_trait]
impl Engine for Speaker {
    async fn generate(&self, _: Call) -> Result<Outputs, Error> {
        let pause = self.pause;
        let said = streams::iter(texts().take(self.tokens as usize)).then(move |text| async move {
            if let Some(pause) = pause {
                sleep(pause).await;
            }
            Ok(Output::Text { text: text.into(), logprobs: None })
        });
        Ok(said.chain(streams::iter([Ok(Output::Finish(Finish::Stop))])).boxed())
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(None)
    }
}
