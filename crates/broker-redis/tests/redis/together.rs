//! Appends of several streams leave in one call, and each has its own answer.

use std::{collections::BTreeSet, time::Duration};

use broker::{AppendError, Broker, Error, Stop};
use futures_util::future::join_all;
use stream::{Epoch, EventKind, ResponseId};
use testkit::redis::Cluster;
use tokio::time::{Instant, timeout};

use crate::{
    breaks::begin,
    follower::{Follower, delta, whole},
    server::{Server, config},
};

const STREAMS: usize = 20;

/// Longer than any test may take where nothing shall wait for it.
const AN_HOUR: Duration = Duration::from_secs(60 * 60);

async fn start(window: Duration) -> (Server, Broker, Vec<(ResponseId, Epoch)>) {
    let server = Server::start(&[]).await;
    let mut config = config(&[server.url()]);
    config.append_window = window;
    let broker = broker_redis::connect(config).await.unwrap();
    let streams = join_all((0..STREAMS).map(|_| begin(&broker))).await;
    (server, broker, streams)
}

async fn append_to_all(broker: &Broker, streams: &[(ResponseId, Epoch)]) -> Vec<Result<(), AppendError>> {
    let appends = streams.iter().map(async |(id, epoch)| {
        broker.log.append(*id, *epoch, 1, &[delta(id.to_string())]).await.map(|_| ())
    });
    join_all(appends).await
}

/// The first leaves at once. The others come within its window.
#[tokio::test]
async fn what_comes_within_a_window_leaves_together() {
    let (server, broker, streams) = start(Duration::from_millis(300)).await;
    assert!(append_to_all(&broker, &streams).await.iter().all(Result::is_ok));
    let before = server.calls("evalsha");
    let again = append_to_all(&broker, &streams).await;
    assert!(again.iter().all(Result::is_ok), "{again:?}");
    assert!(
        server.calls("evalsha") - before <= 2,
        "{} calls for {STREAMS} appends",
        server.calls("evalsha") - before
    );
    for (id, _) in streams {
        let page = broker.log.read(id, 1, usize::MAX).await.unwrap().unwrap();
        assert_eq!(page.records.len(), 1, "an append that was repeated adds nothing");
        assert_eq!(page.records[0].events, [delta(id.to_string())]);
    }
}

/// The end of a response does not wait, and takes along what does.
#[tokio::test]
async fn whatever_is_no_delta_leaves_at_once() {
    let (_server, broker, streams) = start(AN_HOUR).await;
    let [(first, first_epoch), (second, second_epoch), (third, third_epoch), ..] = streams[..] else {
        panic!()
    };
    // Whoever comes first waits for nobody.
    broker.log.append(first, first_epoch, 1, &[delta("a")]).await.unwrap();
    let (waits, end) = ([delta("b")], [whole(EventKind::Completed)]);
    let waiting = broker.log.append(second, second_epoch, 1, &waits);
    let mut waiting = std::pin::pin!(waiting);
    assert!(timeout(Duration::from_millis(50), &mut waiting).await.is_err(), "a delta did not wait");
    let begun = Instant::now();
    let (waited, ended) = tokio::join!(waiting, broker.log.append(third, third_epoch, 1, &end));
    waited.unwrap();
    ended.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30));
}

/// A stream that the server holds as something else is to blame itself.
#[tokio::test]
async fn one_that_is_refused_harms_no_other() {
    let (server, broker, streams) = start(Duration::from_millis(100)).await;
    let broken = streams[STREAMS / 2].0;
    let meta = format!("nx:{{0}}:{broken}:meta");
    server.cli(&["SET", &meta, "no hash"]);
    let fenced = streams[3];
    broker.log.open(fenced.0, &broker::Member::random("worker"), broker::OpenMode::TakeOver).await.unwrap();
    for (result, (id, _)) in append_to_all(&broker, &streams).await.into_iter().zip(&streams) {
        match result {
            Err(AppendError::Broker(Error::Refused(_))) => assert_eq!(*id, broken),
            Err(AppendError::Fenced) => assert_eq!(*id, fenced.0),
            result => assert!(result.is_ok() && *id != broken && *id != fenced.0, "{id}: {result:?}"),
        }
    }
}

async fn start_cluster() -> (Cluster, Broker, Vec<(ResponseId, Epoch)>) {
    let cluster = Cluster::start(&[]).await;
    let mut config = config(&cluster.urls());
    config.append_window = Duration::from_millis(300);
    let broker = broker_redis::connect(config).await.unwrap();
    let streams = join_all((0..3 * STREAMS).map(|_| begin(&broker))).await;
    (cluster, broker, streams)
}

/// In a cluster new streams are in few partitions on all masters, and what is of one partition leaves together.
#[tokio::test]
async fn each_partition_of_a_cluster_has_calls_of_its_own() {
    let (cluster, broker, streams) = start_cluster().await;
    let partitions: BTreeSet<u16> = streams.iter().map(|(id, _)| id.partition()).collect();
    assert_eq!(partitions.len(), 2 * cluster.nodes.len());
    assert!(append_to_all(&broker, &streams).await.iter().all(Result::is_ok));
    let before: Vec<u64> = cluster.nodes.iter().map(|node| node.calls("evalsha")).collect();
    assert!(append_to_all(&broker, &streams).await.iter().all(Result::is_ok));
    for (node, before) in cluster.nodes.iter().zip(before) {
        let calls = node.calls("evalsha") - before;
        assert!((1..=4).contains(&calls), "{calls} calls for {STREAMS} appends in two partitions");
    }
}

/// While a slot moves, some of its streams are here and some there: none waits for the others.
#[tokio::test]
async fn a_partition_between_two_masters_goes_on() {
    let (cluster, broker, streams) = start_cluster().await;
    let partition = streams[0].0.partition();
    let of_partition: Vec<_> = streams.into_iter().filter(|(id, _)| id.partition() == partition).collect();
    let [other, stays, .., moved] = of_partition[..] else { panic!() };
    let keys = ["log", "meta"].map(|part| format!("nx:{{{partition}}}:{}:{part}", moved.0));
    let slot = cluster.nodes[0].cli(&["CLUSTER", "KEYSLOT", &keys[0]]);
    let slot = slot.trim();
    let has_slot = |node: &Server| node.cli(&["CLUSTER", "COUNTKEYSINSLOT", slot]).trim() != "0";
    let from = cluster.nodes.iter().position(has_slot).unwrap();
    let to = cluster.nodes.iter().position(|node| !has_slot(node)).unwrap();
    cluster.begin_to_move(slot, from, to);
    cluster.migrate(&keys.each_ref().map(String::as_str), from, to);

    // With what leaves now the window begins in which the two come together.
    broker.log.append(other.0, other.1, 1, &[delta("a")]).await.unwrap();
    let appended = append_to_all(&broker, &[moved, stays]).await;
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
    // So it is with all else that is about many.
    let ids = [moved.0, stays.0];
    broker.control.attend(&ids, &broker::Member::random("gateway"), AN_HOUR).await.unwrap();
    broker.control.cancel(stays.0).await.unwrap();
    assert_eq!(broker.control.stops_requested(&ids).await.unwrap(), [None, Some(Stop::Cancelled)]);
    // The first leaves alone, the others together.
    let _followers = join_all(of_partition.iter().map(|(id, _)| Follower::listen(&broker, *id))).await;
    for (id, _) in [moved, stays] {
        let page = broker.log.read(id, 1, usize::MAX).await.unwrap().unwrap();
        assert_eq!(page.records[0].events, [delta(id.to_string())]);
    }
    assert!(cluster.nodes[to].cli(&["EXISTS", &keys[0]]).contains("MOVED"), "the slot has not moved yet");
}
