use testkit::kafka::Cluster;
use tokio_util::task::TaskTracker;

use super::*;
use crate::{
    Config, client,
    connections::Connections,
    older::{Older, Range},
    requests::Place,
    topics,
};

const KEPT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// What a sink was told, and whether it says that it is needed.
#[derive(Default)]
struct Told {
    begins: parking_lot::Mutex<Vec<i64>>,
    payloads: parking_lot::Mutex<Vec<String>>,
    is_needed: std::sync::atomic::AtomicBool,
}

impl Sink for Told {
    fn begin(&self, next: i64) {
        self.begins.lock().push(next);
    }

    fn take(&self, message: Message) {
        self.payloads.lock().push(String::from_utf8(message.payload.to_vec()).unwrap());
    }

    fn lose(&self, _next: i64) {}

    fn sweep(&self) {}

    fn is_needed(&self) -> bool {
        self.is_needed.load(Ordering::Relaxed)
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A topic of one partition, and what writes to it.
struct Scene {
    config: Config,
    connections: Connections,
    writer: Arc<Writer>,
    topic: Arc<str>,
}

impl Scene {
    async fn new() -> Self {
        let bootstrap_servers = Cluster::shared().await.addresses.clone();
        let topic_prefix = format!("{}.", broker::Member::random("test"));
        let config =
            Config { bootstrap_servers, topic_prefix, partitions: 1, job_partitions: 1, ..Config::default() };
        let connections = Connections::new(&config);
        let writer = Arc::new(Writer::new(client::producer(&config), connections.clone()).unwrap());
        let topic = topics::prepare(&config, &writer, &connections).await.unwrap().events.0;
        Self { config, connections, writer, topic }
    }

    async fn write(&self, payload: &str) {
        let place = Place { topic: &self.topic, partition: 0, key: b"key" };
        self.writer.write(&place, payload.as_bytes()).await.unwrap();
    }

    async fn consumer(&self) -> Consumer {
        let made = client::consumer(&self.config).create_with_context(self.connections.clone());
        topics::known_to(made.unwrap(), PATIENCE).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_nobody_needs_is_left() {
    let scene = Scene::new().await;
    let told = Arc::new(Told::default());
    told.is_needed.store(true, Ordering::Relaxed);
    let tail = Tail::new(&scene.topic, 0, Arc::clone(&told) as _);
    let (ended, tasks) = (CancellationToken::new(), TaskTracker::new());
    let _guard = ended.clone().drop_guard();
    let times = (Duration::from_secs(5), KEPT);
    let tails = [Arc::clone(&tail)];
    let (tails, following) =
        Tails::new(scene.consumer().await, Arc::clone(&scene.writer), &tails, times, ended);
    tasks.spawn(following);

    // As long as its sink needs it, it is followed, whether somebody asks or not.
    let begin = Instant::now();
    tails.follow(&tail, Start::End).await.unwrap();
    scene.write("one").await;
    until("hearing of one", || told.payloads.lock().len() == 1).await;
    sleep(2 * KEPT).await;
    assert!(tail.is_followed());

    // And as long as somebody asks.
    told.is_needed.store(false, Ordering::Relaxed);
    tails.follow(&tail, Start::End).await.unwrap();
    let asked = Instant::now();
    until("leaving it", || !tail.is_followed()).await;
    assert!(asked.elapsed() >= KEPT && begin.elapsed() > 3 * KEPT);
    scene.write("two").await;

    // It is followed again from where somebody wants it to be.
    tails.follow(&tail, Start::End).await.unwrap();
    scene.write("three").await;
    tails.catch_up(&tail).await.unwrap();
    assert_eq!(*told.payloads.lock(), ["one", "three"]);
    assert_eq!(*told.begins.lock(), [0, 0, 2]);
}

/// A reading that takes long is in nobody's way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_do_not_wait_for_each_other() {
    let scene = Scene::new().await;
    scene.write("one").await;
    let older = Arc::new(Older::new(client::consumer_of_ranges(&scene.config), scene.connections.clone()));
    let tasks = TaskTracker::new();
    let mut endless = Vec::new();
    for _ in 0..3 {
        // Up to a record that is not there yet.
        let (older, range) = (Arc::clone(&older), Range { until: 2, ..Range::one(&scene.topic, 0, 0) });
        endless.push(tasks.spawn(async move { older.read(&range).await.map(|found| found.len()) }));
    }
    let one = Range::one(&scene.topic, 0, 0);
    for _ in 0..3 {
        let found = timeout(PATIENCE, older.read(&one)).await.unwrap().unwrap();
        assert_eq!(found.iter().map(|message| message.offset).collect::<Vec<_>>(), [0]);
    }
    assert!(endless.iter().all(|reading| !reading.is_finished()));
    scene.write("two").await;
    for reading in endless {
        assert_eq!(timeout(PATIENCE, reading).await.unwrap().unwrap().unwrap(), 2);
    }
}

/// Who reads a partition reads for all that wait for it, and whoever gives up takes nobody along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_read_at_once() {
    const STREAMS: i64 = 200;
    let scene = Scene::new().await;
    let key = |stream: i64| {
        let mut key = [0; crate::streams::KEY];
        key[..8].copy_from_slice(&stream.to_be_bytes());
        key
    };
    for record in 0..2 * STREAMS {
        let key = key(record % STREAMS);
        let place = Place { topic: &scene.topic, partition: 0, key: &key };
        scene.writer.send(&place, record.to_string().as_bytes()).unwrap();
    }
    scene.write("last").await;
    let older = Arc::new(Older::new(client::consumer_of_ranges(&scene.config), scene.connections.clone()));
    let (tasks, mut readings) = (TaskTracker::new(), Vec::new());
    for stream in 0..STREAMS {
        let older = Arc::clone(&older);
        let all =
            Range { until: 2 * STREAMS + 1, key: Some(key(stream)), ..Range::one(&scene.topic, 0, stream) };
        readings.push(tasks.spawn(async move { older.read(&all).await }));
    }
    // Some of these are reading, and some wait.
    for reading in readings.iter().step_by(3) {
        reading.abort();
    }
    for (stream, reading) in (0..STREAMS).zip(readings) {
        let found = match timeout(PATIENCE, reading).await.unwrap() {
            Ok(found) => found.unwrap(),
            Err(aborted) => {
                assert!(aborted.is_cancelled() && stream % 3 == 0);
                continue;
            }
        };
        let offsets: Vec<_> = found.iter().map(|message| message.offset).collect();
        assert_eq!(offsets, [stream, stream + STREAMS]);
    }
}
