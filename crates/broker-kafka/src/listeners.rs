//! Who listens, to a stream or to stops.

use std::sync::Arc;

use broker::Listening;
use parking_lot::Mutex;

/// Any number of listeners.
pub(crate) struct Listeners<L: ?Sized>(Mutex<State<L>>);

struct State<L: ?Sized> {
    all: Arc<Vec<(u64, Arc<L>)>>,
    last: u64,
}

impl<L: ?Sized + Send + Sync + 'static> Listeners<L> {
    /// Adds one until the guard is dropped.
    pub(crate) fn listen(self: &Arc<Self>, listener: Arc<L>) -> Listening {
        let mut state = self.0.lock();
        state.last += 1;
        let key = state.last;
        let others = state.all.iter().map(|(key, listener)| (*key, Arc::clone(listener)));
        state.all = Arc::new(others.chain([(key, listener)]).collect());
        drop(state);
        let listeners = Arc::clone(self);
        Listening::new(move || listeners.leave(key))
    }

    fn leave(&self, leaving: u64) {
        let mut state = self.0.lock();
        let others = state.all.iter().filter(|(key, _)| *key != leaving);
        let others = others.map(|(key, listener)| (*key, Arc::clone(listener))).collect();
        let before = std::mem::replace(&mut state.all, Arc::new(others));
        drop(state);
        // Dropped after the lock is free: a listener may hold guards of its own.
        drop(before);
    }

    /// Calls all of them, without holding the lock.
    pub(crate) fn each(&self, call: impl Fn(&L)) {
        let all = Arc::clone(&self.0.lock().all);
        for (_, listener) in all.iter() {
            call(listener);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().all.is_empty()
    }
}

impl<L: ?Sized> Default for Listeners<L> {
    fn default() -> Self {
        Self(Mutex::new(State { all: Arc::new(Vec::new()), last: 0 }))
    }
}
