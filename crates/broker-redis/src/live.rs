//! The live path: records and cancels as they happen, by Pub/Sub.
//!
//! One task hears for the whole process, on one connection to each node of Redis that it needs. It promises that a
//! listener hears in the order of the log, and that whenever it may have missed something it is told: after every break,
//! once its channel is subscribed again, so that what it reads then and what it hears from then on leave no gap.
//!
//! In a cluster the channels of streams are sharded: each is on the node that has the streams. The Redis client could keep
//! track of that, but after a break only some channels come back (it subscribes to several slots with one command), so
//! [`task`] does it itself: one connection for each node, one command for each channel.

mod board;
mod ear;
mod inbox;
mod link;
mod task;
mod topics;

use std::{collections::HashMap, sync::Arc, time::Duration};

use broker::{Error, Listener, Listening, StopListener};
use parking_lot::Mutex;
use stream::ResponseId;
use tokio::{sync::OnceCell, task::JoinSet};

pub(crate) use self::inbox::Note;
use self::{board::Board, ear::Ear, inbox::Inbox, task::Task};
use crate::{Config, client::Client, nodes::Nodes};

/// A handle on the tasks. When it is dropped, they end.
pub(crate) struct Live {
    client: Client,
    board: Arc<Board>,
    /// Where streams are heard of: for each partition in which any was followed.
    inboxes: Mutex<Inboxes>,
    ttl: Duration,
    join_timeout: Duration,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Inboxes {
    by_partition: HashMap<u16, Arc<Subscribed>>,
    tasks: JoinSet<()>,
}

/// An inbox, and its subscription from the first listener on.
struct Subscribed {
    inbox: Arc<Inbox>,
    subscription: OnceCell<Listening>,
}

impl Live {
    /// Starts to hear. The connection is made when there is something to listen to.
    pub(crate) fn start(nodes: Arc<Nodes>, client: Client, config: &Config) -> Self {
        let board: Arc<Board> = Arc::default();
        let mut task = JoinSet::new();
        task.spawn(Task::new(nodes, Arc::clone(&board)).run());
        let join_timeout = config.connect_timeout + config.response_timeout;
        let inboxes = Mutex::default();
        Self { client, board, inboxes, ttl: config.log_ttl, join_timeout, _task: task }
    }

    /// Lets `listener` hear what is added to a stream. When this returns, nothing that is added later is missed.
    pub(crate) async fn listen(
        &self,
        id: ResponseId,
        listener: Arc<dyn Listener>,
    ) -> Result<Listening, Error> {
        let subscribed = self.of_partition(id.partition());
        let inbox = &subscribed.inbox;
        let subscribe = || {
            let reader = Ear::Inbox(Arc::clone(inbox));
            self.board.join(Arc::clone(inbox.name()), reader, self.join_timeout)
        };
        subscribed.subscription.get_or_try_init(subscribe).await?;
        let stream = self.client.keys.meta(id).into();
        inbox.board.join(stream, Ear::Stream(id, listener), self.join_timeout).await
    }

    /// The inbox of a partition, which stays once there is one: partitions are few.
    fn of_partition(&self, partition: u16) -> Arc<Subscribed> {
        let Inboxes { by_partition, tasks } = &mut *self.inboxes.lock();
        let subscribed = by_partition.entry(partition).or_insert_with(|| {
            let inbox = Arc::new(Inbox::new(self.client.clone(), partition, self.ttl));
            tasks.spawn(Arc::clone(&inbox).run());
            Arc::new(Subscribed { inbox, subscription: OnceCell::new() })
        });
        Arc::clone(subscribed)
    }

    /// The note that a stream is followed here, for whoever creates it to make. None if there is nothing to note.
    pub(crate) fn note(&self, id: ResponseId) -> Option<Note> {
        let subscribed = self.inboxes.lock().by_partition.get(&id.partition()).cloned()?;
        subscribed.inbox.note(self.client.keys.meta(id))
    }

    /// Lets `listener` hear of cancels.
    pub(crate) async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        self.board.join(self.client.keys.stops().into(), Ear::Stops(listener), self.join_timeout).await
    }
}
