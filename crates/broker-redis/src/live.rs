//! The live path: records and cancels as they happen, by Pub/Sub.
//!
//! One task hears for the whole process, on one connection to each node of Redis that it needs. It promises that a
//! listener hears in the order of the log, and that whenever it may have missed something it is told: after every break,
//! once its channel is subscribed again, so that what it reads then and what it hears from then on leave no gap.
//!
//! In a cluster the channels of streams are sharded: each is on the node that has the stream. The Redis client could keep
//! track of that, but after a break only some channels come back (it subscribes to several slots with one command), so
//! [`task`] does it itself: one connection for each node, one command for each channel.

mod board;
mod ear;
mod inbox;
mod link;
mod task;
mod topics;

use std::{sync::Arc, time::Duration};

use broker::{Error, Listener, Listening, StopListener};
use stream::ResponseId;
use tokio::{sync::OnceCell, task::JoinSet};

pub(crate) use self::inbox::Note;
use self::{board::Board, ear::Ear, inbox::Inbox, task::Task};
use crate::{Config, client::Client, nodes::Nodes};

/// A handle on the tasks. When it is dropped, they end.
pub(crate) struct Live {
    client: Client,
    board: Arc<Board>,
    /// Where streams are heard of, unless each has a channel of its own: in a cluster.
    inbox: Option<Arc<Inbox>>,
    /// The subscription of the inbox, from the first listener on.
    reading: OnceCell<Listening>,
    join_timeout: Duration,
    _tasks: JoinSet<()>,
}

impl Live {
    /// Starts to hear. The connection is made when there is something to listen to.
    pub(crate) fn start(nodes: Arc<Nodes>, client: Client, config: &Config) -> Self {
        let board: Arc<Board> = Arc::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(Task::new(nodes, Arc::clone(&board)).run());
        let inbox = (!client.is_cluster()).then(|| Arc::new(Inbox::new(client.clone(), config.log_ttl)));
        if let Some(inbox) = &inbox {
            tasks.spawn(Arc::clone(inbox).run());
        }
        let join_timeout = config.connect_timeout + config.response_timeout;
        Self { client, board, inbox, reading: OnceCell::new(), join_timeout, _tasks: tasks }
    }

    /// Lets `listener` hear what is added to a stream. When this returns, nothing that is added later is missed.
    pub(crate) async fn listen(
        &self,
        id: ResponseId,
        listener: Arc<dyn Listener>,
    ) -> Result<Listening, Error> {
        let (keys, ear) = (&self.client.keys, Ear::Stream(id, listener));
        let Some(inbox) = &self.inbox else {
            return self.board.join(keys.live(id).into(), ear, self.join_timeout).await;
        };
        let read = || {
            let reader = Ear::Inbox(Arc::clone(inbox));
            self.board.join(Arc::clone(inbox.name()), reader, self.join_timeout)
        };
        self.reading.get_or_try_init(read).await?;
        inbox.board.join(keys.meta(id).into(), ear, self.join_timeout).await
    }

    /// The note that a stream is followed here, for whoever creates it to make. None if there is nothing to note.
    pub(crate) fn note(&self, id: ResponseId) -> Option<Note<'_>> {
        self.inbox.as_ref()?.note(self.client.keys.meta(id))
    }

    /// Lets `listener` hear of cancels.
    pub(crate) async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        self.board.join(self.client.keys.stops().into(), Ear::Stops(listener), self.join_timeout).await
    }
}
