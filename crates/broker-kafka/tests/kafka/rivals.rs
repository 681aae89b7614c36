//! Workers that wait for jobs of the same model, and how many of them write a claim for each.

use std::time::Duration;

use broker::Member;
use broker_kafka::Config;
use prost::Message as _;
use proto::kafka::{JobAsk, JobEntry};
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use crate::node::{config, job};

const WORKERS: usize = 8;
const JOBS: usize = 300;
const LEASE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(20);

/// All that was asked of the jobs of a model, in order.
fn asked(config: &Config, model: &str) -> Vec<JobAsk> {
    let topic = format!("{}jobs", config.topic_prefix);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &config.bootstrap_servers)
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE).unwrap();
    let (mut list, mut ends) = (TopicPartitionList::new(), Vec::new());
    for partition in metadata.topics()[0].partitions() {
        let (first, end) = consumer.fetch_watermarks(&topic, partition.id(), PATIENCE).unwrap();
        if first < end {
            list.add_partition_offset(&topic, partition.id(), Offset::Offset(first)).unwrap();
            ends.push((partition.id(), end));
        }
    }
    consumer.assign(&list).unwrap();
    let mut asked = Vec::new();
    while !ends.is_empty() {
        let message = consumer.poll(PATIENCE).unwrap().unwrap();
        if message.key() == Some(model.as_bytes()) {
            asked.extend(JobEntry::decode(message.payload().unwrap()).unwrap().ask);
        }
        ends.retain(|(partition, end)| *partition != message.partition() || message.offset() + 1 < *end);
    }
    asked
}

/// Eight workers wait, each in a process of its own. Jobs come one after the other; each is done at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_write_a_claim_for_each_job() {
    let config = config().await;
    let model = Member::random("model").to_string();
    let gateway = broker_kafka::connect(config.clone()).await.unwrap();
    let (claimed, mut claims) = mpsc::channel(JOBS);
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let broker = broker_kafka::connect(config.clone()).await.unwrap();
        let (model, member, claimed) = (model.clone(), Member::random("worker"), claimed.clone());
        workers.spawn(async move {
            loop {
                let wait = Duration::from_secs(1);
                for claim in broker.jobs.claim(&model, &member, 4, wait, LEASE).await.unwrap() {
                    claimed.send((claim.job.id, member.clone(), Instant::now())).await.unwrap();
                    broker.jobs.finish(&claim.ticket).await.unwrap();
                }
            }
        });
    }
    let (mut taken, mut done) = (Vec::new(), std::collections::HashMap::<_, usize>::new());
    for _ in 0..JOBS {
        let job = job(&gateway, &model);
        let begin = Instant::now();
        gateway.jobs.enqueue(&job).await.unwrap();
        let (id, member, at) = tokio::time::timeout(PATIENCE, claims.recv()).await.unwrap().unwrap();
        assert_eq!(id, job.id);
        taken.push(at - begin);
        *done.entry(member).or_default() += 1;
    }
    workers.shutdown().await;
    taken.sort();
    let asked = tokio::task::spawn_blocking(move || asked(&config, &model)).await.unwrap();
    let written = asked.iter().filter(|ask| matches!(ask, JobAsk::Claim(_))).count();
    println!(
        "{WORKERS} idle workers, {JOBS} jobs: {:.2} claims written per job; claimed after p50 {:?}, p99 {:?}; by {done:?}",
        written as f64 / JOBS as f64,
        taken[JOBS / 2],
        taken[JOBS * 99 / 100],
    );
    assert!(written < 2 * JOBS, "{written} claims for {JOBS} jobs");
}
