//! What breaks, and moves, in a cluster. Each scene has one of its own.

use std::{collections::HashMap, sync::Arc, time::Duration};

use broker::{Broker, Job, Listening};
use stream::{Epoch, EventKind, ResponseId};
use testkit::redis::Cluster;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    breaks::{append, begin, job},
    follower::{Follower, delta, whole},
    server::{cli, config},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Streams enough to be in every partition of each node, and several in each.
const STREAMS: usize = 60;

/// A stream that is written by one process and followed by another.
struct Followed {
    id: ResponseId,
    epoch: Epoch,
    follower: Arc<Follower>,
    _listening: Listening,
}

async fn connect_both(cluster: &Cluster) -> (Broker, Broker) {
    let config = config(&cluster.urls());
    let writer = broker_redis::connect(config.clone()).await.unwrap();
    (writer, broker_redis::connect(config).await.unwrap())
}

async fn follow_many(writer: &Broker, reader: &Broker) -> Vec<Followed> {
    let mut followed = Vec::new();
    for _ in 0..STREAMS {
        let (id, epoch) = begin(writer).await;
        let (follower, _listening) = Follower::listen(reader, id).await;
        followed.push(Followed { id, epoch, follower, _listening });
    }
    followed
}

/// Writes and follows every stream until there are `texts` in each, whatever happens to the cluster meanwhile.
async fn write_and_follow(
    writer: &Broker,
    reader: &Broker,
    followed: &[Followed],
    from: usize,
    texts: usize,
) {
    let mut writers = JoinSet::new();
    for Followed { id, epoch, .. } in followed {
        let (writer, id, epoch) = (writer.clone(), *id, *epoch);
        writers.spawn(async move {
            for next in from + 1..=texts {
                append(&writer, id, epoch, next as u64, &[delta(next.to_string())]).await;
            }
        });
    }
    timeout(PATIENCE, writers.join_all()).await.unwrap();
    let expected: Vec<_> = (1..=texts).map(|text| text.to_string()).collect();
    for Followed { follower, .. } in followed {
        assert_eq!(timeout(PATIENCE, follower.follow(reader, texts)).await.unwrap(), expected);
    }
}

/// What is written is heard again, without a reason to read: the subscriptions are really there. What is written while one of
/// them is on its way is missed, so there is more until it is there. Returns how many texts each stream has then.
async fn assert_heard(writer: &Broker, followed: &[Followed], texts: u64) -> Vec<u64> {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    for Followed { id, epoch, follower, .. } in followed {
        let mut texts = texts;
        loop {
            texts += 1;
            append(writer, *id, *epoch, texts, &[delta(texts.to_string())]).await;
            let soon = Instant::now() + Duration::from_secs(1);
            while follower.heard() <= texts && Instant::now() < soon {
                sleep(Duration::from_millis(5)).await;
            }
            if follower.heard() > texts {
                break;
            }
            assert!(Instant::now() < deadline, "{id} is not heard");
        }
        all.push(texts);
    }
    all
}

async fn until_told(followed: &[Followed], which: impl Fn(&Followed) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    for followed in followed.iter().filter(|&followed| which(followed)) {
        while followed.follower.interruptions() == 0 {
            assert!(Instant::now() < deadline, "{} was not told", followed.id);
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Every node drops its subscribers: all channels come back, not only some, and all listeners are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_live_path_comes_back_on_every_slot() {
    let cluster = Cluster::start(&[]).await;
    let (writer, reader) = connect_both(&cluster).await;
    let followed = follow_many(&writer, &reader).await;
    write_and_follow(&writer, &reader, &followed, 0, 3).await;
    for node in &cluster.nodes {
        assert_eq!(node.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]).trim(), "1");
    }
    until_told(&followed, |_| true).await;
    write_and_follow(&writer, &reader, &followed, 3, 6).await;
    assert_heard(&writer, &followed, 6).await;
}

/// Slots move to another node while streams in them are written, heard and read, and jobs are handed out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_move_under_the_streams() {
    let cluster = Cluster::start(&[]).await;
    let (writer, reader) = connect_both(&cluster).await;
    let followed = follow_many(&writer, &reader).await;
    write_and_follow(&writer, &reader, &followed, 0, 3).await;

    let [from, to] = [0, 1].map(|node| cluster.nodes[node].cli(&["CLUSTER", "MYID"]).trim().to_owned());
    let port = cluster.nodes[0].port;
    let mut moving = JoinSet::new();
    moving.spawn_blocking(move || {
        let address = format!("127.0.0.1:{port}");
        let (from, to) = (format!("--cluster-from={from}"), format!("--cluster-to={to}"));
        let (from, to) = (from.split_once('=').unwrap(), to.split_once('=').unwrap());
        cli(
            port,
            &[
                "--cluster",
                "reshard",
                &address,
                from.0,
                from.1,
                to.0,
                to.1,
                "--cluster-slots",
                "5461",
                "--cluster-yes",
            ],
        )
    });
    write_and_follow(&writer, &reader, &followed, 3, 60).await;
    let moved = timeout(PATIENCE, moving.join_next()).await.unwrap().unwrap().unwrap();
    // The node has nothing any more: whoever was on it is elsewhere.
    let slots = cluster.nodes[0].cli(&["CLUSTER", "NODES"]);
    let own = slots.lines().find(|line| line.contains("myself")).unwrap();
    assert!(own.trim_end().ends_with("connected"), "{own}\n{moved}");
    write_and_follow(&writer, &reader, &followed, 60, 63).await;
    assert_heard(&writer, &followed, 63).await;
}

/// A master dies, and its replica takes over: everything goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over() {
    let mut cluster = Cluster::start_with_replicas().await;
    let (writer, reader) = connect_both(&cluster).await;
    let followed = follow_many(&writer, &reader).await;
    write_and_follow(&writer, &reader, &followed, 0, 3).await;
    let jobs = enqueue_many(&writer).await;
    for Followed { id, epoch, .. } in &followed {
        append(&writer, *id, *epoch, 4, &[delta("4")]).await;
    }
    cluster.wait_for_replicas().await;
    cluster.nodes[0].kill();

    // What was accepted is on the replica, so it is all there.
    write_and_follow(&writer, &reader, &followed, 4, 8).await;
    let texts = assert_heard(&writer, &followed, 8).await;
    for (model, job) in jobs {
        assert_eq!(claim(&reader, &model).await, job);
    }
    for (Followed { id, epoch, .. }, texts) in followed.iter().zip(texts) {
        append(&writer, *id, *epoch, texts + 1, &[whole(EventKind::Completed)]).await;
    }
}

/// One job in each of many queues, which are on all nodes.
async fn enqueue_many(broker: &Broker) -> HashMap<String, Job> {
    let mut jobs = HashMap::new();
    for number in 0..12 {
        let model = format!("model {number}");
        let job = job(&model);
        broker.jobs.enqueue(&job).await.unwrap();
        jobs.insert(model, job);
    }
    jobs
}

async fn claim(broker: &Broker, model: &str) -> Job {
    let (worker, deadline) = (broker::Member::random("worker"), Instant::now() + PATIENCE);
    loop {
        let wait = Duration::from_secs(1);
        match broker.jobs.claim(model, &worker, 1, wait, PATIENCE).await {
            Ok(mut claims) if !claims.is_empty() => return claims.remove(0).job,
            Ok(_) => {}
            Err(error) => assert!(error.is_retryable(), "{error:?}"),
        }
        assert!(Instant::now() < deadline, "no job of {model}");
    }
}
