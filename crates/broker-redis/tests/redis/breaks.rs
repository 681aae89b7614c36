//! What breaks: the server, and the connections to it. Nothing that was accepted is lost, and whoever listens closes its
//! gap.

use std::time::Duration;

use broker::{AppendError, Broker, Header, Job, Kind, Member, OpenMode};
use bytes::Bytes;
use stream::{Epoch, Event, EventKind, ResponseId, Sequence};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    follower::{Follower, delta, whole},
    server::{Server, config},
};

const PATIENCE: Duration = Duration::from_secs(30);

fn header(model: &str) -> Header {
    Header { model: model.into(), background: true, ..Header::default() }
}

pub(crate) async fn begin(broker: &Broker) -> (ResponseId, Epoch) {
    let id = broker.log.new_id();
    broker.log.create(id, &header("m"), &[whole(EventKind::Created)]).await.unwrap();
    let opened = broker.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
    (id, opened.epoch)
}

/// Appends as a worker does: again, until it knows.
pub(crate) async fn append(broker: &Broker, id: ResponseId, epoch: Epoch, first: Sequence, events: &[Event]) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match broker.log.append(id, epoch, first, events).await {
            Ok(_) => return,
            Err(AppendError::Broker(error)) if error.is_retryable() => {
                assert!(Instant::now() < deadline, "the server came not back: {error:?}");
                sleep(Duration::from_millis(10)).await;
            }
            Err(error) => panic!("append at {first}: {error:?}"),
        }
    }
}

/// The server is killed in the midst of appends and starts again on its append-only file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_it_accepted() {
    const EVENTS: u64 = 2_000;
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let (writer, reader) = connect_both(&server).await;
    let (id, epoch) = begin(&writer).await;
    let job = job("m");
    writer.jobs.enqueue(&job).await.unwrap();
    writer.store.put("key", Bytes::from_static(b"value"), PATIENCE).await.unwrap();
    let (follower, _listening) = Follower::listen(&reader, id).await;

    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for next in 1..=EVENTS {
            append(&writer, id, epoch, next, &[delta(next.to_string())]).await;
        }
        append(&writer, id, epoch, EVENTS + 1, &[whole(EventKind::Completed)]).await;
    });
    for _ in 0..3 {
        let read = reader.log.read(id, 0, usize::MAX).await.unwrap().unwrap().records.len();
        wait_for_more(&reader, id, read as u64).await;
        server.kill();
        sleep(Duration::from_millis(150)).await;
        server.start_again().await;
    }
    timeout(PATIENCE, tasks.join_all()).await.unwrap();

    let expected: Vec<_> = (1..=EVENTS).map(|sequence| sequence.to_string()).collect();
    let followed = timeout(PATIENCE, follower.follow(&reader, usize::MAX)).await.unwrap();
    assert_eq!(followed, expected);
    assert!(follower.interruptions() >= 1, "nobody told the listener");
    let claims = reader.jobs.claim("m", &Member::random("worker"), 1, PATIENCE, PATIENCE).await.unwrap();
    assert_eq!(claims[0].job, job);
    assert_eq!(reader.store.get("key").await.unwrap(), Some(Bytes::from_static(b"value")));
}

/// The log grows past so many records, so the server is in the midst of it.
async fn wait_for_more(broker: &Broker, id: ResponseId, than: u64) {
    let deadline = Instant::now() + PATIENCE;
    while broker.log.read(id, than + 50, 1).await.is_ok_and(|page| page.unwrap().records.is_empty()) {
        assert!(Instant::now() < deadline, "the log does not grow");
        sleep(Duration::from_millis(1)).await;
    }
}

async fn connect_both(server: &Server) -> (Broker, Broker) {
    let config = config(&[server.url()]);
    let writer = broker_redis::connect(config.clone()).await.unwrap();
    (writer, broker_redis::connect(config).await.unwrap())
}

pub(crate) fn job(model: &str) -> Job {
    Job {
        id: ResponseId::random(0),
        header: header(model),
        kind: Kind::Response,
        request: Bytes::from_static(b"{}"),
        trace: None,
        enqueued_at_us: 0,
    }
}

/// The live path is cut again and again while records are appended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_live_path_comes_back_and_tells() {
    let server = Server::start(&[]).await;
    let (writer, reader) = connect_both(&server).await;
    let (id, epoch) = begin(&writer).await;
    let (follower, _listening) = Follower::listen(&reader, id).await;
    let mut next = 1;
    for cut in 1..=5 {
        for _ in 0..20 {
            append(&writer, id, epoch, next, &[delta(next.to_string())]).await;
            next += 1;
        }
        assert_eq!(server.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).trim(), "1");
        for _ in 0..20 {
            append(&writer, id, epoch, next, &[delta(next.to_string())]).await;
            next += 1;
        }
        let followed = timeout(PATIENCE, follower.follow(&reader, next as usize - 1)).await.unwrap();
        assert_eq!(followed.len() as u64, next - 1);
        let deadline = Instant::now() + PATIENCE;
        while follower.interruptions() < cut {
            assert!(Instant::now() < deadline, "nobody told the listener");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Jobs are waited for on connections of their own, and those break, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_wait_is_told_and_the_next_one_works() {
    let server = Server::start(&[]).await;
    let (gateway, worker) = connect_both(&server).await;
    let name = Member::random("worker");
    for _ in 0..3 {
        let waiting = worker.jobs.claim("m", &name, 1, PATIENCE, PATIENCE);
        let cut = async {
            while server.cli(&["INFO", "clients"]).contains("blocked_clients:0") {
                sleep(Duration::from_millis(5)).await;
            }
            server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        };
        let (claims, ()) = tokio::join!(waiting, cut);
        assert!(claims.unwrap_err().is_retryable());
        let job = job("m");
        loop {
            match gateway.jobs.enqueue(&job).await {
                Ok(()) => break,
                Err(error) => assert!(error.is_retryable()),
            }
        }
        let claims = loop {
            match worker.jobs.claim("m", &name, 1, PATIENCE, PATIENCE).await {
                Ok(claims) => break claims,
                Err(error) => assert!(error.is_retryable()),
            }
        };
        assert_eq!(claims[0].job, job);
    }
}

/// A worker that has gone leaves no wait behind that takes a job nobody does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_wait_closes_its_connection() {
    let server = Server::start(&[]).await;
    let (_, worker) = connect_both(&server).await;
    let blocked =
        |count: usize| server.cli(&["INFO", "clients"]).contains(&format!("blocked_clients:{count}\r"));
    for _ in 0..3 {
        let name = Member::random("worker");
        let waiting =
            timeout(Duration::from_millis(200), worker.jobs.claim("m", &name, 1, PATIENCE, PATIENCE));
        assert!(waiting.await.is_err());
        let deadline = Instant::now() + Duration::from_millis(700);
        while !blocked(0) {
            assert!(Instant::now() < deadline, "the wait goes on without anyone");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The scripts are gone after a restart without a file, or a `SCRIPT FLUSH`.
#[tokio::test]
async fn forgotten_scripts_are_loaded_again() {
    let server = Server::start(&[]).await;
    let (broker, _) = connect_both(&server).await;
    let (id, epoch) = begin(&broker).await;
    for next in 1..4 {
        server.cli(&["SCRIPT", "FLUSH"]);
        broker.log.append(id, epoch, next, &[delta("x")]).await.unwrap();
    }
}

/// Of a stream only a part is left: a server that evicts keys, or an expiry between the two.
#[tokio::test]
async fn half_a_stream_is_no_stream() {
    let server = Server::start(&[]).await;
    let (broker, _) = connect_both(&server).await;
    let (id, epoch) = begin(&broker).await;
    server.cli(&["DEL", &format!("nx:{{0}}:{id}:log")]);
    let late = broker.log.append(id, epoch, 1, &[delta("x")]).await;
    assert!(matches!(late, Err(AppendError::Gone)), "{late:?}");
    assert_eq!(broker.log.read(id, 0, 1).await.unwrap(), None);

    let (id, epoch) = begin(&broker).await;
    server.cli(&["DEL", &format!("nx:{{0}}:{id}:meta")]);
    let late = broker.log.append(id, epoch, 1, &[delta("x")]).await;
    assert!(matches!(late, Err(AppendError::Gone)), "{late:?}");
    assert_eq!(broker.log.read(id, 0, 1).await.unwrap(), None);
    // And what is left is not in the way of another.
    broker.log.create(id, &header("m"), &[whole(EventKind::Created)]).await.unwrap();
    assert_eq!(broker.log.read(id, 0, 1).await.unwrap().unwrap().records.len(), 1);
}
