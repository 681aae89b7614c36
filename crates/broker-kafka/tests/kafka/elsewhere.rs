//! Streams that are met by a process that did not begin them, and remembers nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use broker::{
    AppendError, Appended, Broker, Creation, Error, Header, Listener, Listening, Member, OpenError, OpenMode,
    Opened, Page, StreamLog, conformance,
};
use broker_kafka::Config;
use stream::{Epoch, Event, ResponseId, Sequence};

use crate::node::config;

/// Each call goes to another process than the one before.
struct Alternating {
    processes: Vec<Arc<dyn StreamLog>>,
    calls: AtomicUsize,
}

impl Alternating {
    fn next(&self) -> &dyn StreamLog {
        &*self.processes[self.calls.fetch_add(1, Ordering::Relaxed) % self.processes.len()]
    }
}

#[async_trait]
impl StreamLog for Alternating {
    fn new_id(&self) -> ResponseId {
        self.next().new_id()
    }

    async fn create(&self, id: ResponseId, header: &Header, events: &[Event]) -> Result<Creation, Error> {
        self.next().create(id, header, events).await
    }

    async fn header(&self, id: ResponseId) -> Result<Option<Header>, Error> {
        self.next().header(id).await
    }

    async fn open(&self, id: ResponseId, owner: &Member, mode: OpenMode) -> Result<Opened, OpenError> {
        self.next().open(id, owner, mode).await
    }

    async fn append(
        &self,
        id: ResponseId,
        epoch: Epoch,
        first: Sequence,
        events: &[Event],
    ) -> Result<Appended, AppendError> {
        self.next().append(id, epoch, first, events).await
    }

    async fn read(&self, id: ResponseId, from: Sequence, max_bytes: usize) -> Result<Option<Page>, Error> {
        self.next().read(id, from, max_bytes).await
    }

    async fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Result<Listening, Error> {
        self.next().listen(id, listener).await
    }

    async fn expire(&self, id: ResponseId, after: Duration) -> Result<(), Error> {
        self.next().expire(id, after).await
    }
}

/// Three processes that keep nothing of what they were not asked for: each reads each stream from the log.
async fn forgetful() -> Broker {
    let config = Config { recent_bytes: 0, ..config().await };
    let mut brokers = Vec::new();
    for _ in 0..3 {
        brokers.push(broker_kafka::connect(config.clone()).await.unwrap());
    }
    let processes = brokers.iter().map(|broker| Arc::clone(&broker.log)).collect();
    let log = Arc::new(Alternating { processes, calls: AtomicUsize::new(0) });
    Broker { log, ..brokers.remove(0) }
}

/// The contract holds when no two calls in a row are made by the same process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_agree() {
    let broker = forgetful().await;
    conformance::log::what_was_created_is_read_back(&broker).await;
    conformance::log::creating_twice_changes_nothing(&broker).await;
    conformance::log::what_is_not_there_is_none(&broker).await;
    conformance::log::sequence_numbers_have_no_gap(&broker).await;
    conformance::log::a_gap_is_refused(&broker).await;
    conformance::log::a_repeated_append_adds_nothing(&broker).await;
    conformance::log::nothing_follows_the_terminal_event(&broker).await;
    conformance::log::an_opening_returns_what_was_before(&broker).await;
    conformance::log::only_what_nobody_owned_is_opened_if_never_opened(&broker).await;
    conformance::log::openings_at_once_get_epochs_of_their_own(&broker).await;
    conformance::log::a_late_writer_does_not_count(&broker).await;
    conformance::log::owners_that_race_leave_one_order(&broker).await;
    conformance::log::reading_begins_anywhere(&broker).await;
    conformance::log::a_large_record_is_kept(&broker).await;
    conformance::log::an_expired_stream_is_gone(&broker).await;
    conformance::log::streams_do_not_mix(&broker).await;
    conformance::fencing::a_late_writer_is_told(&broker).await;
    conformance::fencing::what_was_accepted_is_in_the_log(&broker).await;
    conformance::live::a_listener_hears_in_order(&broker).await;
    conformance::live::nothing_is_lost_between_listening_and_reading(&broker).await;
    conformance::live::a_late_writer_is_not_heard(&broker).await;
}

/// A name that somebody made up is no stream's, wherever it points.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_up_id_is_no_streams() {
    let broker = forgetful().await;
    for partition in [0, 1, 2, 3, u16::MAX] {
        for start in [0, 1, 1 << 31, u32::MAX] {
            let id = ResponseId::random(partition).with_start(start);
            assert_eq!(broker.log.header(id).await.unwrap(), None, "{id}");
            assert!(broker.log.read(id, 0, 1).await.unwrap().is_none(), "{id}");
            assert_eq!(broker.control.stops_requested(&[id]).await.unwrap()[0], None, "{id}");
        }
    }
}
