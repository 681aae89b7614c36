//! The live path: who listens to which stream, and the calls of the listeners in the order of the log.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
};

use parking_lot::Mutex;
use stream::{Record, ResponseId};

use crate::{Listener, Listening};

type Listeners = Arc<Vec<(u64, Arc<dyn Listener>)>>;

/// The listeners of all streams.
///
/// Appends of one stream can end at the same time on several threads, and no lock may be held while a listener is
/// called. So a record is [posted](Self::post) under the lock that ordered the append, and one thread at a time
/// [delivers](Self::deliver) what was posted; the others leave their records to it.
#[derive(Default)]
pub(super) struct Live(Arc<Mutex<Topics>>);

#[derive(Default)]
struct Topics {
    by_id: HashMap<ResponseId, Topic>,
    last_key: u64,
}

#[derive(Default)]
struct Topic {
    listeners: Listeners,
    /// Posted and not delivered: at most one record for each append that runs right now.
    posted: VecDeque<Arc<Record>>,
    delivering: bool,
}

impl Live {
    /// Adds a listener, until the guard is dropped. The stream need not exist.
    pub(super) fn listen(&self, id: ResponseId, listener: Arc<dyn Listener>) -> Listening {
        let mut topics = self.0.lock();
        topics.last_key += 1;
        let key = topics.last_key;
        Arc::make_mut(&mut topics.by_id.entry(id).or_default().listeners).push((key, listener));
        drop(topics);
        let topics = Arc::clone(&self.0);
        Listening::new(move || {
            // Dropped after the lock is free: a listener may hold guards of its own.
            let _left = topics.lock().leave(id, key);
        })
    }

    /// Queues a record for the stream's listeners.
    pub(super) fn post(&self, id: ResponseId, record: Arc<Record>) {
        if let Some(topic) = self.0.lock().by_id.get_mut(&id) {
            topic.posted.push_back(record);
        }
    }

    /// Calls the listeners with what was posted, unless another thread is at it.
    pub(super) fn deliver(&self, id: ResponseId) {
        let Some(delivery) = Delivery::begin(&self.0, id) else { return };
        while let Some((record, listeners)) = delivery.next() {
            for (_, listener) in listeners.iter() {
                listener.heard(id, Arc::clone(&record));
            }
        }
    }
}

impl Topics {
    fn leave(&mut self, id: ResponseId, key: u64) -> Option<Arc<dyn Listener>> {
        let listeners = Arc::make_mut(&mut self.by_id.get_mut(&id)?.listeners);
        let place = listeners.iter().position(|(other, _)| *other == key)?;
        let (_, listener) = listeners.remove(place);
        self.tidy(id);
        Some(listener)
    }

    /// Forgets a topic that nobody needs. One that is being delivered stays, or a second delivery could begin beside
    /// the first and overtake it.
    fn tidy(&mut self, id: ResponseId) {
        if self.by_id.get(&id).is_some_and(|topic| topic.listeners.is_empty() && !topic.delivering) {
            self.by_id.remove(&id);
        }
    }

    fn end_delivery(&mut self, id: ResponseId) {
        if let Some(topic) = self.by_id.get_mut(&id) {
            topic.delivering = false;
        }
        self.tidy(id);
    }
}

/// One thread's turn to call a stream's listeners.
struct Delivery<'a> {
    topics: &'a Mutex<Topics>,
    id: ResponseId,
}

impl<'a> Delivery<'a> {
    fn begin(topics: &'a Mutex<Topics>, id: ResponseId) -> Option<Self> {
        let mut locked = topics.lock();
        let topic = locked.by_id.get_mut(&id).filter(|topic| !topic.delivering)?;
        topic.delivering = true;
        Some(Self { topics, id })
    }

    /// The next record and who shall hear it. `None` ends the turn, under the lock that found nothing left: what is
    /// posted from then on finds nobody delivering.
    fn next(&self) -> Option<(Arc<Record>, Listeners)> {
        let mut topics = self.topics.lock();
        let topic = topics.by_id.get_mut(&self.id)?;
        if let Some(record) = topic.posted.pop_front() {
            return Some((record, Arc::clone(&topic.listeners)));
        }
        topics.end_delivery(self.id);
        None
    }
}

impl Drop for Delivery<'_> {
    /// A listener that panics must not silence its stream for all others.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.topics.lock().end_delivery(self.id);
        }
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}
