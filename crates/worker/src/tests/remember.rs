//! A worker dies after the end stands in the log, and before it is stored: the next one stores what the log says.

use std::time::Duration;

use broker::{Broker, Header, Job, Kind, Member, OpenMode};
use prometheus_client::registry::Registry;
use protocol::{Outcome, Place, Request, StoredResponse};
use serde_json::Value;
use stream::{DeltaKind, Whole};

use crate::{
    Config, Metrics,
    remember::{PAGE_BYTES, recover, remember},
    running::Running,
    worker::Shared,
};

fn shared(broker: &Broker) -> Shared {
    let metrics = Metrics::register(&mut Registry::default());
    let (config, member, running) = (Config::default(), Member::random("worker"), Running::default());
    Shared { config, broker: broker.clone(), member, metrics, running }
}

fn job(broker: &Broker) -> Job {
    let header =
        Header { tenant: "t".into(), user: "u".into(), store: true, grace_ms: 60_000, ..Header::default() };
    let (id, request) = (broker.log.new_id(), bytes::Bytes::new());
    Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 }
}

/// Begins the job's stream, and ends it if `ends`. The event of its end.
async fn stream(broker: &Broker, job: &Job, ends: bool) -> Whole {
    long_stream(broker, job, 0, ends).await
}

/// The same with so many records of 1 KiB in between.
async fn long_stream(broker: &Broker, job: &Job, records: u64, ends: bool) -> Whole {
    let created = protocol::created(job.id, 1, &Request::new("m"), "in_progress");
    let end = protocol::end(Some(&created), Vec::new(), None, &Outcome::Completed, 2);
    broker.log.create(job.id, &job.header, &[created.into()]).await.unwrap();
    let opened = broker.log.open(job.id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
    let place = Place { response: job.id, kind: DeltaKind::OutputText, output_index: 0, part_index: 0 };
    let next = opened.next() + records;
    for sequence in opened.next()..next {
        let delta = place.delta("a".repeat(1024).into(), None);
        broker.log.append(job.id, opened.epoch, sequence, &[delta]).await.unwrap();
    }
    if ends {
        broker.log.append(job.id, opened.epoch, next, &[end.clone().into()]).await.unwrap();
    }
    end
}

async fn stored(broker: &Broker, job: &Job) -> Option<Value> {
    let value = broker.store.get(&StoredResponse::key(job.id)).await.unwrap()?;
    Some(serde_json::from_slice::<StoredResponse>(&value).unwrap().response)
}

#[tokio::test]
async fn an_end_that_was_not_stored_is_stored_from_the_log() {
    let broker = broker::memory::broker();
    let job = job(&broker);
    let end = stream(&broker, &job, true).await;
    recover(&shared(&broker), &job).await.unwrap();
    assert_eq!(stored(&broker, &job).await, end.response());
}

#[tokio::test]
async fn the_end_of_a_log_of_several_pages_is_found() {
    for records in [(PAGE_BYTES / 1024 - 1) as u64, (PAGE_BYTES / 1024) as u64, 600] {
        let broker = broker::memory::broker();
        let job = job(&broker);
        let end = long_stream(&broker, &job, records, true).await;
        recover(&shared(&broker), &job).await.unwrap();
        assert_eq!(stored(&broker, &job).await, end.response(), "{records} records");
    }
}

#[tokio::test]
async fn what_has_not_ended_is_not_stored() {
    let broker = broker::memory::broker();
    let job = job(&broker);
    stream(&broker, &job, false).await;
    recover(&shared(&broker), &job).await.unwrap();
    assert_eq!(stored(&broker, &job).await, None);
}

#[tokio::test]
async fn what_was_deleted_meanwhile_does_not_come_back() {
    let broker = broker::memory::broker();
    let job = job(&broker);
    let end = stream(&broker, &job, true).await;
    broker.log.expire(job.id, Duration::ZERO).await.unwrap();
    remember(&shared(&broker), &job, &end).await.unwrap();
    assert_eq!(stored(&broker, &job).await, None);
}
