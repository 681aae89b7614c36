use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use stream::{Epoch, Event, EventKind, Record, ResponseId, Whole};
use tokio::time::Instant;

use super::{Config, Memory, broker, expiring::Expiring};
use crate::{AppendError, Broker, Creation, Header, Job, Kind, Listener, Member, Model, OpenMode, Stop};

const HOUR: Duration = Duration::from_secs(3600);

fn whole(kind: EventKind) -> Event {
    Event::Whole(Whole { kind, body: "{}".into() })
}

fn header(grace_ms: u64) -> Header {
    Header { model: "m".into(), grace_ms, ..Header::default() }
}

fn small(config: impl FnOnce(&mut Config)) -> Broker {
    let mut small = Config::default();
    config(&mut small);
    Memory::new(small).broker()
}

async fn create(broker: &Broker) -> Result<ResponseId, crate::Error> {
    let id = broker.log.new_id();
    let created = broker.log.create(id, &header(60_000), &[whole(EventKind::Created)]).await?;
    assert_eq!(created, Creation::Created);
    Ok(id)
}

#[tokio::test(start_paused = true)]
async fn a_stream_lives_an_hour_after_its_last_append() {
    let broker = broker();
    let id = create(&broker).await.unwrap();
    tokio::time::advance(HOUR / 2).await;
    broker.log.append(id, Epoch(0), 1, &[whole(EventKind::Queued)]).await.unwrap();
    tokio::time::advance(HOUR - Duration::from_secs(1)).await;
    assert!(broker.log.header(id).await.unwrap().is_some());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(broker.log.header(id).await.unwrap(), None);
    assert_eq!(broker.log.read(id, 0, 1).await.unwrap(), None);
    let late = broker.log.append(id, Epoch(0), 2, &[whole(EventKind::Queued)]).await;
    assert!(matches!(late, Err(AppendError::Gone)));
}

#[tokio::test(start_paused = true)]
async fn the_grace_counts_from_the_creation() {
    let broker = broker();
    let id = create(&broker).await.unwrap();
    tokio::time::advance(Duration::from_millis(59_999)).await;
    assert_eq!(broker.control.stops_requested(&[id]).await.unwrap()[0], None);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(broker.control.stops_requested(&[id]).await.unwrap()[0], Some(Stop::Abandoned));
}

#[tokio::test]
async fn the_stream_that_ended_first_makes_room() {
    let broker = small(|config| config.max_streams = 3);
    let running = create(&broker).await.unwrap();
    let [first, second] = [create(&broker).await.unwrap(), create(&broker).await.unwrap()];
    for id in [first, second] {
        broker.log.append(id, Epoch(0), 1, &[whole(EventKind::Completed)]).await.unwrap();
    }
    create(&broker).await.unwrap();
    assert_eq!(broker.log.header(first).await.unwrap(), None);
    assert!(broker.log.header(second).await.unwrap().is_some());
    create(&broker).await.unwrap();
    assert!(broker.log.header(running).await.unwrap().is_some());
    assert!(create(&broker).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn full_of_running_streams_is_unavailable() {
    let broker = small(|config| config.max_log_bytes = 4_000);
    let id = create(&broker).await.unwrap();
    let body = "x".repeat(4_000);
    let large = Event::Whole(Whole { kind: EventKind::OutputItemDone, body: body.into() });
    let refused = broker.log.append(id, Epoch(0), 1, std::slice::from_ref(&large)).await;
    assert!(matches!(refused, Err(AppendError::Broker(error)) if error.is_retryable()));
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_makes_room_for_an_append() {
    let broker = small(|config| config.max_log_bytes = 2_000);
    let running = create(&broker).await.unwrap();
    while let Ok(id) = create(&broker).await {
        broker.log.expire(id, Duration::from_secs(1)).await.unwrap();
    }
    let events = [whole(EventKind::Queued)];
    let append = || broker.log.append(running, Epoch(0), 1, &events);
    append().await.unwrap_err();
    tokio::time::advance(Duration::from_secs(1)).await;
    append().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn entries_leave_in_the_order_of_their_ends() {
    let now = Instant::now();
    let at = |seconds| now + Duration::from_secs(seconds);
    let mut map = Expiring::new();
    for (key, end) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        map.insert(key, end, at(end));
    }
    map.prolong(&"a", at(10));
    map.prolong(&"b", at(1));
    map.expire(&"d", at(1));
    assert_eq!(map.pop_expired(at(1)), Some(("d", 4)));
    assert_eq!(map.pop_expired(at(1)), None);
    assert_eq!((map.get("b", at(2)), map.get("c", at(2))), (None, Some(&3)));
    assert_eq!(map.pop_expired(at(2)), Some(("b", 2)));
    assert_eq!(map.pop_soonest(), Some(("c", 3)));
    assert_eq!(map.pop_expired(at(9)), None);
    assert_eq!(map.pop_expired(at(10)), Some(("a", 1)));
    assert_eq!(map.len(), 0);
}

#[tokio::test]
async fn the_value_that_expires_first_makes_room() {
    let broker = small(|config| config.max_store_bytes = 1_000);
    let value = Bytes::from(vec![0; 300]);
    broker.store.put("soon", value.clone(), HOUR / 2).await.unwrap();
    broker.store.put("later", value.clone(), HOUR).await.unwrap();
    broker.store.put("new", value.clone(), HOUR).await.unwrap();
    assert_eq!(broker.store.get("soon").await.unwrap(), None);
    assert_eq!(broker.store.get("later").await.unwrap(), Some(value));
    let larger = broker.store.put("larger", Bytes::from(vec![0; 2_000]), HOUR).await;
    assert!(!larger.unwrap_err().is_retryable());
    assert!(broker.store.get("new").await.unwrap().is_some());
}

#[tokio::test]
async fn buried_jobs_make_room_and_are_bounded() {
    let broker = small(|config| (config.max_dead, config.max_queue_bytes) = (2, 5_000));
    let worker = Member::random("worker");
    for _ in 0..4 {
        let (header, request) = (header(0), Bytes::from(vec![0; 1_000]));
        let id = ResponseId::random(0);
        let job = Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 };
        broker.jobs.enqueue(&job).await.unwrap();
        let claims = broker.jobs.claim("m", &worker, 1, Duration::ZERO, HOUR).await.unwrap();
        broker.jobs.bury(&claims[0].ticket, "it kills its workers").await.unwrap();
    }
    assert_eq!(broker.jobs.depth("m").await.unwrap().dead, 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_sees_a_claim_run_out() {
    let broker = broker();
    let [slow, other] = [Member::random("worker"), Member::random("worker")];
    let (header, request) = (header(0), Bytes::new());
    let job = Job {
        id: ResponseId::random(0),
        header,
        kind: Kind::Response,
        request,
        trace: None,
        enqueued_at_us: 0,
    };
    broker.jobs.enqueue(&job).await.unwrap();
    let lease = Duration::from_secs(3);
    assert_eq!(broker.jobs.claim("m", &slow, 1, Duration::ZERO, lease).await.unwrap().len(), 1);
    let claims = broker.jobs.claim("m", &other, 1, HOUR, lease).await.unwrap();
    assert_eq!(claims[0].attempt, 2);
}

#[tokio::test(start_paused = true)]
async fn a_model_is_served_until_its_last_announcement_runs_out() {
    let broker = broker();
    let model = Model { name: "m".into(), owned_by: String::new(), created: 0 };
    broker.control.announce(std::slice::from_ref(&model), HOUR).await.unwrap();
    broker.control.announce(std::slice::from_ref(&model), HOUR / 2).await.unwrap();
    tokio::time::advance(HOUR / 2).await;
    assert_eq!(broker.control.models().await.unwrap(), [model]);
    tokio::time::advance(HOUR / 2).await;
    assert_eq!(broker.control.models().await.unwrap(), []);
}

/// Remembers what it heard.
#[derive(Default)]
struct Ear(Mutex<Vec<Arc<Record>>>);

impl Listener for Ear {
    fn heard(&self, _id: ResponseId, record: Arc<Record>) {
        self.0.lock().push(record);
    }

    fn interrupted(&self, _id: ResponseId) {}
}

/// Threads append to one stream as fast as they can, each where it believes the stream to stand.
#[test]
fn listeners_hear_in_the_order_of_the_log() {
    const RECORDS: u64 = 2_000;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let broker = broker();
    let ear = Arc::new(Ear::default());
    let (id, _listening) = runtime.block_on(async {
        let id = create(&broker).await.unwrap();
        let listening = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
        broker.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
        (id, listening)
    });
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                runtime.block_on(async {
                    let mut first = 1;
                    while first < RECORDS {
                        match broker.log.append(id, Epoch(1), first, &[whole(EventKind::InProgress)]).await {
                            Ok(_) => first += 1,
                            Err(AppendError::Gap { next, .. }) => first = next,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            });
        }
    });
    let heard: Vec<_> = ear.0.lock().iter().map(|record| record.first).collect();
    assert_eq!(heard, (1..RECORDS).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_listener_that_panics_silences_nobody() {
    struct Panics;
    impl Listener for Panics {
        fn heard(&self, _id: ResponseId, record: Arc<Record>) {
            assert!(record.first != 1, "a listener's bug");
        }
        fn interrupted(&self, _id: ResponseId) {}
    }
    let broker = broker();
    let id = create(&broker).await.unwrap();
    let ear = Arc::new(Ear::default());
    let _first = broker.log.listen(id, Arc::new(Panics)).await.unwrap();
    let _second = broker.log.listen(id, Arc::clone(&ear) as _).await.unwrap();
    let log = Arc::clone(&broker.log);
    let panicked = tokio::task::LocalSet::new()
        .run_until(async move {
            let append = async move { log.append(id, Epoch(0), 1, &[whole(EventKind::Queued)]).await };
            tokio::task::spawn_local(append).await
        })
        .await;
    assert!(panicked.unwrap_err().is_panic());
    broker.log.append(id, Epoch(0), 2, &[whole(EventKind::InProgress)]).await.unwrap();
    assert_eq!(ear.0.lock().iter().map(|record| record.first).collect::<Vec<_>>(), [2]);
}
