//! Where listeners say what they want, and a task sees it.

use std::{sync::Arc, time::Duration};

use broker::{Error, Listening};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::timeout};

use super::{
    ear::Ear,
    topics::{Channel, Topics},
};
use crate::error::too_late;

/// Topics, and whoever waits for a change of them.
#[derive(Default)]
pub(super) struct Board {
    pub(super) topics: Mutex<Topics>,
    /// Somebody listens, or has left.
    pub(super) changed: Notify,
}

impl Board {
    /// Adds a listener. When this returns, its channel is joined; after `limit` it gives up.
    pub(super) async fn join(
        self: &Arc<Self>,
        channel: Channel,
        ear: Ear,
        limit: Duration,
    ) -> Result<Listening, Error> {
        let (key, joined) = self.topics.lock().join(&channel, ear);
        let board = Arc::clone(self);
        let listening = Listening::new(move || {
            // Dropped after the lock is free: a listener may hold guards of its own.
            let _left = board.topics.lock().leave(&channel, key);
            board.changed.notify_one();
        });
        if let Some(joined) = joined {
            self.changed.notify_one();
            timeout(limit, joined).await.map_err(|_| too_late())?.map_err(Error::unavailable)?;
        }
        Ok(listening)
    }
}
