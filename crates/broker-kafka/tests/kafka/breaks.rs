//! What breaks, and what holds all the same.

use std::time::Duration;

use broker::{AppendError, Creation, Error, Header, Job, Kind, Member, OpenMode};
use broker_kafka::Config;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};
use stream::{Delta, DeltaKind, Event};
use testkit::kafka::Cluster;
use tokio::time::{Instant, sleep};

/// How long anything may take that waits for a node to come back.
const PATIENCE: Duration = Duration::from_secs(60);

fn delta(text: String) -> Event {
    let text = text.into();
    Event::Delta(Delta { kind: DeltaKind::OutputText, output_index: 0, part_index: 0, text, logprobs: None })
}

fn header() -> Header {
    Header { background: true, model: "model".into(), ..Header::default() }
}

/// Which node leads a partition of the events.
fn leader(cluster: &Cluster, partition: u16) -> u32 {
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &cluster.addresses).create().unwrap();
    let metadata = client.fetch_metadata(Some("narthex.events"), PATIENCE).unwrap();
    metadata.topics()[0].partitions()[usize::from(partition)].leader().try_into().unwrap()
}

/// Tries until it succeeds, as callers do.
async fn eventually<T>(mut attempt: impl AsyncFnMut() -> Result<T, Error>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => assert!(error.is_retryable() && Instant::now() < deadline, "{error:?}"),
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The only node is killed, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_node_costs_nothing() {
    let cluster = Cluster::start(1).await;
    killed(&cluster, 2).await;
}

/// Of three nodes the one that leads the stream is killed: another one leads on. One only, as a second one before the first is back
/// in sync is more than three replicas bear.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_leader_has_everything() {
    let cluster = Cluster::start(3).await;
    killed(&cluster, 1).await;
}

/// The leader is killed, so many times, while a stream is written, repeated as a worker does: each event is in the log
/// once, and what was enqueued is claimed, to processes that saw it and to one that did not.
async fn killed(cluster: &Cluster, kills: u64) {
    const EVENTS: u64 = 600;
    let steps = EVENTS / (kills + 1);
    let bootstrap_servers = cluster.addresses.clone();
    let config = Config { bootstrap_servers, partitions: 2, ..Config::default() };
    let gateway = broker_kafka::connect(config.clone()).await.unwrap();
    let worker = broker_kafka::connect(config.clone()).await.unwrap();
    let (id, header) = (gateway.log.new_id(), header());
    let job = Job { id, header, kind: Kind::Response, request: "{}".into(), trace: None, enqueued_at_us: 0 };
    gateway.log.create(id, &job.header, &[delta("0".into())]).await.unwrap();
    gateway.jobs.enqueue(&job).await.unwrap();
    let (owner, lease) = (Member::random("worker"), PATIENCE);
    let claims = worker.jobs.claim("model", &owner, 1, PATIENCE, lease).await.unwrap();
    let opened = worker.log.open(id, &owner, OpenMode::TakeOver).await.unwrap();

    for next in 1..EVENTS {
        if next % steps == 0 {
            cluster.kill(leader(cluster, id.partition()));
        }
        let events = [delta(next.to_string())];
        eventually(async || match worker.log.append(id, opened.epoch, next, &events).await {
            Ok(_) => Ok(()),
            Err(AppendError::Broker(error)) => Err(error),
            Err(other) => panic!("event {next}: {other:?}"),
        })
        .await;
    }

    // Also a process that begins now sees all of it, when there is somebody to ask.
    let other = eventually(async || broker_kafka::connect(config.clone()).await).await;
    for reader in [&gateway, &worker, &other] {
        let page = eventually(async || reader.log.read(id, 0, usize::MAX).await).await.unwrap();
        let events = page.records.iter().flat_map(|record| &record.events).cloned();
        let expected = (0..EVENTS).map(|next| delta(next.to_string())).collect::<Vec<_>>();
        assert_eq!(events.collect::<Vec<_>>(), expected);
    }
    let again = eventually(async || other.log.create(id, &job.header, &[delta("other".into())]).await).await;
    assert_eq!(again, Creation::Existed);
    assert_eq!(eventually(async || other.jobs.depth("model").await).await.claimed, 1);
    eventually(async || worker.jobs.finish(&claims[0].ticket).await).await;
    assert_eq!(eventually(async || other.jobs.depth("model").await).await.claimed, 0);
}
