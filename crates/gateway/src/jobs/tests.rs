//! What an operator does is what a client could have done: nothing that was shown changes.

use broker::{Broker, Creation, Header, Job, Kind, Member, OpenMode};
use protocol::{Request, StoredInput, StoredResponse};
use serde_json::{Value, json};
use stream::{EventKind, ResponseId, TraceContext};

use super::*;

const TTL: Duration = Duration::from_secs(60);

/// A job as a gateway enqueues it: the input is the whole conversation, and the request names what it continues.
fn job() -> Job {
    let body = json!({"model": "m", "input": "And then?", "previous_response_id": "resp_before"});
    let own = protocol::create(body.to_string().as_bytes(), 64).unwrap().request;
    let before =
        protocol::create(json!({"model": "m", "input": "Begin."}).to_string().as_bytes(), 64).unwrap();
    let request = Request { input: [before.request.input, own.input.clone()].concat(), ..own };
    let header = Header {
        tenant: "a".into(),
        user: "b".into(),
        model: "m".into(),
        store: true,
        created_at_ms: 1,
        grace_ms: 60_000,
        ..Header::default()
    };
    let request = serde_json::to_vec(&request).unwrap().into();
    Job {
        id: ResponseId::random(0),
        header,
        kind: Kind::Response,
        request,
        trace: TraceContext::new(1, 2, true),
        enqueued_at_us: 3,
    }
}

async fn stored_input(broker: &Broker, id: ResponseId) -> StoredInput {
    let stored = broker.store.get(&StoredInput::key(id)).await.unwrap().unwrap();
    serde_json::from_slice(&stored).unwrap()
}

async fn begin(broker: &Broker) -> (Job, Member) {
    let job = job();
    let request: Request = serde_json::from_slice(&job.request).unwrap();
    let first = first_events(job.id, &job.header, &request, true);
    let created = broker.log.create(job.id, &job.header, &first.events).await.unwrap();
    assert_eq!(created, Creation::Created);
    broker.jobs.enqueue(&job).await.unwrap();
    (job, Member::random("operator"))
}

async fn status(broker: &Broker, id: ResponseId) -> Value {
    standing(broker, id).await.unwrap().unwrap()["status"].clone()
}

#[tokio::test]
async fn a_retry_is_a_new_response_to_the_same_request() {
    let broker = broker::memory::broker();
    let job = job();
    let original = StoredInput {
        tenant: "a".into(),
        user: "b".into(),
        input: Vec::new(),
        previous_response_id: Some("resp_before".into()),
    };
    remember_input(&*broker.store, job.id, &original, TTL).await.unwrap();
    let id = retry(&broker, &job, TTL).await.unwrap();
    assert_ne!(id, job.id);

    let retried = broker.jobs.find(id).await.unwrap().unwrap().job;
    assert!(retried.header.created_at_ms > job.header.created_at_ms);
    let header = Header { created_at_ms: job.header.created_at_ms, ..retried.header.clone() };
    assert!(retried.enqueued_at_us > job.enqueued_at_us);
    let enqueued_at_us = job.enqueued_at_us;
    assert_eq!(Job { id: job.id, header, enqueued_at_us, ..retried.clone() }, job);

    assert_eq!(broker.log.header(id).await.unwrap(), Some(retried.header));
    let page = broker.log.read(id, 0, 1024).await.unwrap().unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!(page.records[0].events[0].kind(), EventKind::Created);
    assert_eq!(standing(&broker, id).await.unwrap().unwrap()["id"], id.to_string());
    assert_eq!(status(&broker, id).await, "in_progress");
    // Whoever continues it finds what the original continued.
    assert_eq!(stored_input(&broker, id).await, original);
}

#[tokio::test]
async fn two_who_retry_one_job_get_one_response() {
    let broker = broker::memory::broker();
    let job = job();
    let (one, other) = tokio::join!(retry(&broker, &job, TTL), retry(&broker, &job, TTL));
    let one = one.unwrap();
    assert_eq!(one, other.unwrap());
    assert_eq!(broker.jobs.depth("m").await.unwrap().waiting, 1);
    // What was retried may die again, and is another job then.
    let again = broker.jobs.find(one).await.unwrap().unwrap().job;
    assert_ne!(retry(&broker, &again, TTL).await.unwrap(), one);
    assert_eq!(broker.jobs.depth("m").await.unwrap().waiting, 2);
}

#[tokio::test]
async fn a_retry_knows_the_conversation_that_the_store_forgot() {
    let broker = broker::memory::broker();
    let job = job();
    let id = retry(&broker, &job, TTL).await.unwrap();
    let input = stored_input(&broker, id).await;
    let request: Request = serde_json::from_slice(&job.request).unwrap();
    assert_eq!(input.input, request.input);
    // It is all there: following the link as well would tell the beginning twice.
    assert_eq!(input.previous_response_id, None);
    assert_eq!((input.tenant, input.user), ("a".into(), "b".into()));
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_not() {
    let broker = broker::memory::broker();
    let mut job = job();
    job.header.store = false;
    let id = retry(&broker, &job, TTL).await.unwrap();
    assert_eq!(broker.store.get(&StoredInput::key(id)).await.unwrap(), None);
}

#[tokio::test]
async fn an_unreadable_request_is_not_retried() {
    let broker = broker::memory::broker();
    let job = Job { request: "{".into(), ..job() };
    assert!(!retry(&broker, &job, TTL).await.unwrap_err().is_retryable());
    assert_eq!(broker.jobs.queues().await.unwrap(), []);
}

#[tokio::test]
async fn what_waits_ends_at_once() {
    let broker = broker::memory::broker();
    let (job, operator) = begin(&broker).await;
    assert_eq!(cancel(&broker, &operator, job.id, TTL).await.unwrap(), Found::Waiting);
    assert_eq!(status(&broker, job.id).await, "cancelled");
    assert_eq!(cancel(&broker, &operator, job.id, TTL).await.unwrap(), Found::Ended);
}

#[tokio::test]
async fn what_a_worker_has_is_left_to_it() {
    let broker = broker::memory::broker();
    let (job, operator) = begin(&broker).await;
    broker.log.open(job.id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
    assert_eq!(cancel(&broker, &operator, job.id, TTL).await.unwrap(), Found::Owned);
    assert_eq!(status(&broker, job.id).await, "in_progress");
    assert_eq!(broker.control.stops_requested(&[job.id]).await.unwrap()[0], Some(broker::Stop::Cancelled));
}

#[tokio::test]
async fn what_is_gone_is_gone() {
    let broker = broker::memory::broker();
    let id = ResponseId::random(0);
    assert_eq!(cancel(&broker, &Member::random("operator"), id, TTL).await.unwrap(), Found::Gone);
    assert_eq!(standing(&broker, id).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_end_is_remembered_for_as_long_as_any_other() {
    let broker = broker::memory::broker();
    let (job, operator) = begin(&broker).await;
    let remembered = async || broker.store.get(&StoredResponse::key(job.id)).await.unwrap().is_some();
    assert_eq!(cancel(&broker, &operator, job.id, TTL).await.unwrap(), Found::Waiting);
    tokio::time::advance(TTL - Duration::from_secs(1)).await;
    assert!(remembered().await);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(!remembered().await);
}
