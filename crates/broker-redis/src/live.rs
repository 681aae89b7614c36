//! The live path: records and cancels as they happen, by Pub/Sub.
//!
//! One task hears for the whole process, on one connection to each node of Redis that it needs. It promises that a
//! listener hears in the order of the log, and that whenever it may have missed something it is told: after every break,
//! once its channel is subscribed again, so that what it reads then and what it hears from then on leave no gap.
//!
//! In a cluster the channels of streams are sharded: each is on the node that has the stream. The Redis client could keep
//! track of that, but after a break only some channels come back (it subscribes to several slots with one command), so
//! [`task`] does it itself: one connection for each node, one command for each channel.

mod ear;
mod link;
mod task;
mod topics;

use std::{sync::Arc, time::Duration};

use broker::{Error, Listener, Listening, StopListener};
use parking_lot::Mutex;
use stream::ResponseId;
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use self::{ear::Ear, task::Task, topics::Topics};
use crate::{Config, error::too_late, nodes::Nodes};

/// A handle on the task. When it is dropped, the task ends.
pub(crate) struct Live {
    topics: Arc<Mutex<Topics>>,
    changed: Arc<Notify>,
    join_timeout: Duration,
    _task: JoinSet<()>,
}

impl Live {
    /// Starts to hear. The connection is made when there is something to listen to.
    pub(crate) fn start(nodes: Arc<Nodes>, config: &Config) -> Self {
        let (topics, changed) = <(Arc<Mutex<Topics>>, Arc<Notify>)>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(Task::new(nodes, Arc::clone(&topics), Arc::clone(&changed)).run());
        Self { topics, changed, join_timeout: config.connect_timeout + config.response_timeout, _task: tasks }
    }

    /// Lets `listener` hear what is published of a stream. When this returns, the channel is subscribed.
    pub(crate) async fn listen(
        &self,
        channel: String,
        id: ResponseId,
        listener: Arc<dyn Listener>,
    ) -> Result<Listening, Error> {
        self.join(channel, Ear::Stream(id, listener)).await
    }

    /// Lets `listener` hear of cancels.
    pub(crate) async fn listen_stops(
        &self,
        channel: String,
        listener: Arc<dyn StopListener>,
    ) -> Result<Listening, Error> {
        self.join(channel, Ear::Stops(listener)).await
    }

    async fn join(&self, channel: String, ear: Ear) -> Result<Listening, Error> {
        let channel: Arc<str> = channel.into();
        let (key, joined) = self.topics.lock().join(&channel, ear);
        let (topics, changed) = (Arc::clone(&self.topics), Arc::clone(&self.changed));
        let listening = Listening::new(move || {
            // Dropped after the lock is free: a listener may hold guards of its own.
            let _left = topics.lock().leave(&channel, key);
            changed.notify_one();
        });
        if let Some(joined) = joined {
            self.changed.notify_one();
            timeout(self.join_timeout, joined).await.map_err(|_| too_late())?.map_err(Error::unavailable)?;
        }
        Ok(listening)
    }
}
