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

/// More comes than there is room for: what is dropped is dropped without waiting, and every listener is told, once.
#[tokio::test]
async fn too_much_to_hear_is_told() {
    // Nobody is there: the task cannot join anything, but it hears what is in its inbox.
    let config = Config { urls: vec!["redis://127.0.0.1:1".into()], ..Config::default() };
    let board: Arc<Board> = Arc::default();
    let told = Arc::new(Told::default());
    let ear = Ear::Stream(ResponseId::from_parts(0, 1), Arc::clone(&told) as _);
    let _ = board.topics.lock().join(&"quiet".into(), ear);

    let nodes = Arc::new(Nodes::new(Target::new(&config).unwrap()));
    let task = Task::new(nodes, board);
    for _ in 0..2 * INBOX {
        let data = vec![Value::BulkString(b"loud".to_vec()), Value::BulkString(Vec::new())];
        let info = PushInfo { kind: PushKind::Message, data };
        task.inbox.put(Push { node: "127.0.0.1:1".into(), generation: 0, info });
    }
    let mut running = JoinSet::new();
    running.spawn(task.run());
    timeout(Duration::from_secs(20), told.1.notified()).await.unwrap();
    assert_eq!(told.0.load(Ordering::Relaxed), 1);
}
