//! One inbox for all that a process follows, and each stream knows at which it is followed.

use std::time::Duration;

use broker::{Broker, Header};
use futures_util::future::join_all;
use stream::{EventKind, ResponseId};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    breaks::begin,
    follower::{Follower, delta, whole},
    server::{Server, config},
};

const PATIENCE: Duration = Duration::from_secs(20);

fn live(server: &Server, id: ResponseId) -> String {
    server.cli(&["HGET", &format!("nx:{{0}}:{id}:meta"), "live"]).trim().to_owned()
}

async fn connect(server: &Server, window: Duration) -> Broker {
    let mut config = config(&[server.url()]);
    config.append_window = window;
    broker_redis::connect(config).await.unwrap()
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// What one call adds to many streams is one message to whoever follows them.
#[tokio::test]
async fn what_is_added_together_is_one_message() {
    const STREAMS: usize = 20;
    let server = Server::start(&[]).await;
    let (writer, reader) =
        (connect(&server, Duration::from_millis(200)).await, connect(&server, Duration::ZERO).await);
    let streams = join_all((0..STREAMS).map(|_| begin(&writer))).await;
    let followers = join_all(streams.iter().map(|(id, _)| Follower::listen(&reader, *id))).await;
    let before = (server.calls("publish"), server.calls("evalsha"));
    join_all(streams.iter().map(async |(id, epoch)| {
        writer.log.append(*id, *epoch, 1, &[delta(id.to_string())]).await.unwrap();
    }))
    .await;
    for ((id, _), (follower, _listening)) in streams.iter().zip(&followers) {
        assert_eq!(timeout(PATIENCE, follower.follow(&reader, 1)).await.unwrap(), [id.to_string()]);
    }
    let after = (server.calls("publish"), server.calls("evalsha"));
    let (messages, scripts) = (after.0 - before.0, after.1 - before.1);
    // The first leaves alone, the others together; and each is read once.
    assert!(messages <= 2, "{messages} messages of {STREAMS} records, by {scripts} scripts");
}

/// Several processes may follow a stream, and one that leaves does not take the others' notes along.
#[tokio::test]
async fn each_process_has_an_inbox() {
    let server = Server::start(&[]).await;
    let (writer, first, second) =
        tokio::join!(connect(&server, PATIENCE), connect(&server, PATIENCE), connect(&server, PATIENCE));
    let (id, epoch) = begin(&writer).await;
    assert_eq!(live(&server, id), "");
    let (stays, _listening) = Follower::listen(&first, id).await;
    let one = live(&server, id);
    let (leaves, listening) = Follower::listen(&second, id).await;
    assert_eq!(live(&server, id).split(' ').count(), 2);
    writer.log.append(id, epoch, 1, &[delta("a")]).await.unwrap();
    assert_eq!(timeout(PATIENCE, stays.follow(&first, 1)).await.unwrap(), ["a"]);
    assert_eq!(timeout(PATIENCE, leaves.follow(&second, 1)).await.unwrap(), ["a"]);
    drop(listening);
    until("its note is taken out", async || live(&server, id) == one).await;
}

/// A process that dies takes nothing out: whoever publishes next finds nobody there, and does.
#[tokio::test]
async fn an_inbox_that_nobody_reads_is_forgotten() {
    let server = Server::start(&[]).await;
    let (writer, reader) = tokio::join!(connect(&server, PATIENCE), connect(&server, PATIENCE));
    let (id, epoch) = begin(&writer).await;
    let (follower, listening) = Follower::listen(&reader, id).await;
    std::mem::forget(listening);
    assert_ne!(live(&server, id), "");
    drop((follower, reader));
    until("the connection ends", async || {
        server.cli(&["CLIENT", "LIST", "TYPE", "pubsub"]).trim().is_empty()
    })
    .await;
    writer.log.append(id, epoch, 1, &[delta("a")]).await.unwrap();
    assert_eq!(live(&server, id), "");
}

/// Who follows what it creates is noted in passing, and who follows what has ended takes no note out.
#[tokio::test]
async fn a_creator_needs_no_note_of_its_own() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, Duration::ZERO).await;
    // The inbox is subscribed with the first.
    let (_, _first) = Follower::listen(&broker, broker.log.new_id()).await;
    let id = broker.log.new_id();
    let before = server.calls("evalsha");
    let header = Header { model: "m".into(), background: true, ..Header::default() };
    let beginning = [whole(EventKind::Created)];
    let ((follower, listening), created) =
        tokio::join!(Follower::listen(&broker, id), broker.log.create(id, &header, &beginning));
    created.unwrap();
    assert_ne!(live(&server, id), "");
    broker.log.append(id, stream::Epoch(0), 1, &[delta("a"), whole(EventKind::Completed)]).await.unwrap();
    until("the end is heard", async || follower.heard() == 3).await;
    drop(listening);
    // What is asked last is answered last.
    broker.control.stops_requested(&[id]).await.unwrap();
    let scripts = server.calls("evalsha") - before;
    assert_eq!(scripts, 3, "create, append, and the question");
}
