//! Jobs that killed their workers.

use std::time::Duration;

use broker::{Broker, Job, JobState, JobStatus, Member};
use broker_kafka::Config;
use bytes::Bytes;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
};
use tokio::time::{Instant, sleep};

use crate::node::{config, job};

const LEASE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(20);

async fn bury_one(broker: &Broker, model: &str) {
    let claims = broker.jobs.claim(model, &Member::random("worker"), 1, LEASE, LEASE).await.unwrap();
    broker.jobs.bury(&claims[0].ticket, "it kills its workers").await.unwrap();
}

/// The topic of jobs, in which the test's own model is alone.
struct Topic {
    name: String,
    client: BaseConsumer,
}

impl Topic {
    fn of(config: &Config) -> Self {
        let group = format!("{}readers", config.topic_prefix);
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &config.bootstrap_servers).set("group.id", group);
        Self { name: format!("{}jobs", config.topic_prefix), client: client.create().unwrap() }
    }

    fn end(&self) -> i64 {
        self.client.fetch_watermarks(&self.name, 0, PATIENCE).unwrap().1
    }

    /// Where a process would begin to read.
    fn committed(&self) -> i64 {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.name, 0);
        let committed = self.client.committed_offsets(list, PATIENCE).unwrap();
        committed.elements()[0].offset().to_raw().unwrap_or(-1)
    }
}

/// A dead job does not hold back where a process begins to read; and is still told of, whole, when its records are gone from
/// the topic of jobs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_job_outlives_the_jobs_own_records() {
    let topic_prefix = format!("{}.", Member::random("test"));
    let config = Config { topic_prefix, job_partitions: 1, ..config().await };
    let broker = broker_kafka::connect(config.clone()).await.unwrap();
    let job = Job { request: Bytes::from_static(b"all that was said"), ..job(&broker, "model") };
    broker.jobs.enqueue(&job).await.unwrap();
    bury_one(&broker, "model").await;

    let (topic, deadline) = (Topic::of(&config), Instant::now() + PATIENCE);
    while topic.committed() < topic.end() {
        assert!(Instant::now() < deadline, "{} of {}", topic.committed(), topic.end());
        sleep(Duration::from_millis(50)).await;
    }
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &config.bootstrap_servers).create().unwrap();
    let mut gone = TopicPartitionList::new();
    gone.add_partition_offset(&topic.name, 0, Offset::End).unwrap();
    admin.delete_records(&gone, &AdminOptions::new()).await.unwrap();

    for broker in [&broker, &broker_kafka::connect(config).await.unwrap()] {
        let found = broker.jobs.find(job.id).await.unwrap().unwrap();
        assert_eq!(found.job, job);
        let JobState::Dead { reason, .. } = &found.entry.state else { panic!("{:?}", found.entry) };
        assert_eq!((reason.as_str(), found.entry.attempts), ("it kills its workers", 1));
        assert_eq!(broker.jobs.depth("model").await.unwrap().dead, 1);
    }
}

/// So many are kept of each model: the oldest are forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_dead_jobs_are_forgotten() {
    let config = Config { max_dead: 2, ..config().await };
    let broker = broker_kafka::connect(config).await.unwrap();
    let (model, other) = (Member::random("model").to_string(), Member::random("model").to_string());
    let mut ids = Vec::new();
    for model in [&other, &model, &model, &model] {
        let job = job(&broker, model);
        broker.jobs.enqueue(&job).await.unwrap();
        bury_one(&broker, model).await;
        ids.insert(0, job.id);
    }
    let dead = broker.jobs.list(&model, JobStatus::Dead, 10).await.unwrap();
    assert_eq!(dead.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids[..2]);
    assert_eq!(broker.jobs.depth(&model).await.unwrap().dead, 2);
    assert_eq!(broker.jobs.depth(&other).await.unwrap().dead, 1);
    assert_eq!(broker.jobs.find(ids[2]).await.unwrap(), None);
}
