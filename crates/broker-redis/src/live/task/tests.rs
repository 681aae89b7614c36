use std::sync::atomic::{AtomicUsize, Ordering};

use broker::Listener;
use redis::{PushInfo, Value};
use stream::{Record, ResponseId};
use tokio::{sync::Notify, time::timeout};

use super::*;
use crate::{Config, live::ear::Ear, target::Target};

/// Counts how often it was told that something may be missing.
#[derive(Default)]
struct Told(AtomicUsize, Notify);

impl Listener for Told {
    fn heard(&self, _id: ResponseId, _record: Arc<Record>) {}

    fn interrupted(&self, _id: ResponseId) {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.notify_one();
    }
}

/// What comes while nobody hears it is dropped without waiting, and every listener is told, once.
async fn too_much_comes(messages: usize, payload: &[u8]) {
    // Nobody is there: the task cannot join anything, but it hears what has arrived.
    let config = Config { urls: vec!["redis://127.0.0.1:1".into()], ..Config::default() };
    let board: Arc<Board> = Arc::default();
    let told = Arc::new(Told::default());
    let ear = Ear::Stream(ResponseId::from_parts(0, 1), Arc::clone(&told) as _);
    let _ = board.topics.lock().join(&"quiet".into(), ear);

    let nodes = Arc::new(Nodes::new(Target::new(&config).unwrap()));
    let task = Task::new(nodes, board);
    let arrivals = task.arrivals.clone();
    let arrive = || {
        let data = vec![Value::BulkString(b"loud".to_vec()), Value::BulkString(payload.to_vec())];
        let info = PushInfo { kind: PushKind::Message, data };
        arrivals.put(Push { node: "127.0.0.1:1".into(), generation: 0, info });
    };
    (0..messages).for_each(|_| arrive());
    let mut running = JoinSet::new();
    running.spawn(task.run());
    timeout(Duration::from_secs(20), told.1.notified()).await.unwrap();
    // There is room again.
    arrive();
    tokio::task::yield_now().await;
    assert!(!arrivals.has_overflown());
    assert_eq!(told.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn too_many_messages_are_told() {
    too_much_comes(2 * ARRIVALS, &[]).await;
}

#[tokio::test]
async fn too_many_bytes_are_told() {
    too_much_comes(80, &vec![0; 1 << 20]).await;
}
