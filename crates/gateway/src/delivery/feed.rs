//! The latest records of one response, and who waits for more.

use std::{collections::VecDeque, sync::Arc, task::Waker, time::Duration};

use broker::Listener;
use parking_lot::Mutex;
use stream::{Epoch, Record, ResponseId, Sequence};
use tokio::time::Instant;

use crate::metrics::Metrics;

/// A window on one stream. Records in it follow on each other without a gap.
pub(super) struct Feed {
    window_bytes: usize,
    metrics: Metrics,
    state: Mutex<State>,
}

struct State {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
    /// The sequence number after the window's last event; `None` until anything was heard.
    next: Option<Sequence>,
    /// Of the last record that was heard.
    epoch: Epoch,
    ended: bool,
    /// Whether a read of the log failed and shall be tried again.
    unread: bool,
    /// Rises whenever records may have been missed: each cursor then reads the log once.
    doubt: u64,
    heard_at: Instant,
    /// When a record was heard last, or somebody looked why none is.
    told_at: Instant,
    places: Vec<Place>,
}

/// One cursor's place in the feed.
#[derive(Default)]
struct Place {
    taken: bool,
    waker: Option<Waker>,
}

/// What a cursor finds in the window.
pub(super) enum Found {
    /// The record with the event it wants.
    Record(Arc<Record>),
    /// Nothing yet; it will be woken.
    Nothing,
    /// The event is not in the window, or may be missing from it: read the log.
    Elsewhere,
}

impl Feed {
    pub(super) fn new(window_bytes: usize, metrics: Metrics) -> Self {
        let state = State {
            records: VecDeque::new(),
            bytes: 0,
            next: None,
            epoch: Epoch::default(),
            ended: false,
            unread: false,
            doubt: 0,
            heard_at: Instant::now(),
            told_at: Instant::now(),
            places: Vec::new(),
        };
        Self { window_bytes, metrics, state: Mutex::new(state) }
    }

    /// A place for one cursor's waker.
    pub(super) fn enter(&self) -> usize {
        let mut state = self.state.lock();
        let at = state.places.iter().position(|place| !place.taken).unwrap_or(state.places.len());
        let place = Place { taken: true, waker: None };
        match state.places.get_mut(at) {
            Some(free) => *free = place,
            None => state.places.push(place),
        }
        at
    }

    /// Looks for event `wanted`; `doubt` is the cursor's own count of what it has checked.
    pub(super) fn find(&self, wanted: Sequence, doubt: &mut u64, place: usize, waker: &Waker) -> Found {
        let mut state = self.state.lock();
        if *doubt != state.doubt {
            *doubt = state.doubt;
            return Found::Elsewhere;
        }
        if let Some(next) = state.next {
            // Nearly always it is the newest: the others have long left the processor's caches, and are not looked at.
            if let Some(newest) = state.records.back()
                && (newest.first..next).contains(&wanted)
            {
                // Of an older one the client, not the gateway, knows why it is told only now.
                self.metrics.delivery.observe(state.told_at.elapsed().as_secs_f64());
                return Found::Record(Arc::clone(newest));
            }
            if wanted < next {
                if wanted < state.records.front().map_or(next, |record| record.first) {
                    return Found::Elsewhere;
                }
                let at = state.records.partition_point(|record| record.next() <= wanted);
                return state.records.get(at).cloned().map_or(Found::Elsewhere, Found::Record);
            }
        }
        if let Some(place) = state.places.get_mut(place)
            && !place.waker.as_ref().is_some_and(|old| old.will_wake(waker))
        {
            place.waker = Some(waker.clone());
        }
        Found::Nothing
    }

    /// Gives a cursor's place back.
    pub(super) fn leave(&self, place: usize) {
        if let Some(place) = self.state.lock().places.get_mut(place) {
            *place = Place::default();
        }
    }

    /// A read of the log failed: it is tried again at the next sweep.
    pub(super) fn ask_for_doubt(&self) {
        self.state.lock().unread = true;
    }

    /// Called every now and then: a stream that was quiet for `patience`, or could not be read, is read again, in case the
    /// live path lost its last record. Each time nothing comes of it the silence counts anew.
    pub(super) fn sweep(&self, patience: Duration) {
        let mut state = self.state.lock();
        if state.unread || (!state.ended && state.heard_at.elapsed() > patience) {
            state.unread = false;
            state.raise_doubt();
        }
    }

    /// Whether the terminal event was heard live.
    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// The log told a cursor that the stream has ended.
    pub(super) fn mark_ended(&self) {
        self.state.lock().ended = true;
    }

    /// Whether nothing was heard for `patience`. The silence counts anew then.
    pub(super) fn is_forsaken(&self, patience: Duration) -> bool {
        let mut state = self.state.lock();
        let is_forsaken = !state.ended && state.told_at.elapsed() > patience;
        if is_forsaken {
            state.told_at = Instant::now();
        }
        is_forsaken
    }
}

impl Listener for Feed {
    fn heard(&self, _: ResponseId, record: Arc<Record>) {
        let mut state = self.state.lock();
        state.heard_at = Instant::now();
        state.told_at = state.heard_at;
        // A take-over carries on after all that was told, unless the broker lost some of it: the cursors check. (The first
        // worker of a response follows on its creation, in epoch 0.)
        let is_takeover = state.epoch != Epoch::default() && record.epoch > state.epoch;
        state.epoch = state.epoch.max(record.epoch);
        if is_takeover {
            state.raise_doubt();
        }
        match state.next {
            Some(next) if record.next() <= next => return,
            Some(next) if record.first == next => {}
            // Something was missed, or this is the first: the window begins anew, and cursors behind it read the log.
            _ => {
                state.records.clear();
                state.bytes = 0;
            }
        }
        state.next = Some(record.next());
        state.ended |= record.is_terminal();
        state.bytes += record.weight();
        state.records.push_back(record);
        while state.bytes > self.window_bytes && state.records.len() > 1 {
            if let Some(oldest) = state.records.pop_front() {
                state.bytes -= oldest.weight();
            }
        }
        state.wake();
    }

    fn travelled(&self, elapsed: Duration) {
        self.metrics.observe_transit(elapsed);
    }

    fn interrupted(&self, _: ResponseId) {
        self.state.lock().raise_doubt();
    }
}

impl State {
    /// Lets every cursor read the log once.
    fn raise_doubt(&mut self) {
        self.doubt += 1;
        self.heard_at = Instant::now();
        self.wake();
    }

    /// Waking under the lock saves collecting the wakers; it only queues the tasks, so the lock is free again soon.
    fn wake(&mut self) {
        self.places.iter_mut().filter_map(|place| place.waker.take()).for_each(Waker::wake);
    }
}
