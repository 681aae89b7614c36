//! Stops, attendance and the roster of models.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use stream::ResponseId;
use tokio::time::Instant;

use super::{expiring::Expiring, log::Log};
use crate::{Control, Error, Listening, Member, Model, Stop, StopListener, rules::later};

/// What is known of a stream's owner and subscribers is kept with the stream; the roster and the listeners are here.
pub(super) struct MemoryControl {
    log: Arc<Log>,
    roster: Mutex<Expiring<String, Model>>,
    listeners: Arc<Mutex<Listeners>>,
}

#[derive(Default)]
struct Listeners {
    by_key: HashMap<u64, Arc<dyn StopListener>>,
    last_key: u64,
}

impl MemoryControl {
    pub(super) fn new(log: Arc<Log>) -> Self {
        Self { log, roster: Mutex::new(Expiring::new()), listeners: Arc::default() }
    }
}

#[async_trait]
impl Control for MemoryControl {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        if self.log.with(id, |stream, _| stream.cancel()) == Some(true) {
            let listeners: Vec<_> = self.listeners.lock().by_key.values().cloned().collect();
            for listener in listeners {
                listener.cancelled(id);
            }
        }
        Ok(())
    }

    async fn stops_requested(&self, ids: &[ResponseId]) -> Result<Vec<Option<Stop>>, Error> {
        Ok(ids.iter().map(|id| self.log.with(*id, |stream, now| stream.stop(now)).flatten()).collect())
    }

    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        let mut listeners = self.listeners.lock();
        listeners.last_key += 1;
        let key = listeners.last_key;
        listeners.by_key.insert(key, listener);
        drop(listeners);
        let listeners = Arc::clone(&self.listeners);
        Ok(Listening::new(move || {
            // Dropped after the lock is free: a listener may hold guards of its own.
            let _left = listeners.lock().by_key.remove(&key);
        }))
    }

    async fn attend(&self, ids: &[ResponseId], gateway: &Member, lease: Duration) -> Result<(), Error> {
        for id in ids {
            self.log.with(*id, |stream, now| stream.attend(gateway, later(now, lease), now));
        }
        Ok(())
    }

    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        let now = Instant::now();
        let expires = later(now, lease);
        let mut roster = self.roster.lock();
        while roster.pop_expired(now).is_some() {}
        for model in models {
            // Another worker may have announced it for longer.
            match roster.get_mut(&model.name, now) {
                Some(known) => known.clone_from(model),
                None => drop(roster.insert(model.name.clone(), model.clone(), expires)),
            }
            roster.prolong(&model.name, expires);
        }
        Ok(())
    }

    async fn models(&self) -> Result<Vec<Model>, Error> {
        let mut models: Vec<_> = self.roster.lock().values(Instant::now()).cloned().collect();
        models.sort();
        Ok(models)
    }
}

impl fmt::Debug for MemoryControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryControl")
    }
}
