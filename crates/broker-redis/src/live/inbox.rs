//! One channel for all that a process follows in a partition.
//!
//! A stream's meta says at which inboxes it is followed, and appends publish there: what one call of a script adds to a
//! hundred streams is one message to each process that follows some of them. So following a stream is a note in its
//! meta, not a subscription; here [`Topics`] has a channel for each stream, and it is joined when its note is there.
//!
//! The notes are as lasting as the server's memory, and it takes out those that nobody reads. So after every break of the
//! inbox's own subscription all of them are made anew, and then the listeners are told that they may have missed something.

use std::{collections::VecDeque, str, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{
    board::Board,
    ear::{tell, tell_interruption},
    topics::{Channel, Need, Topics},
};
use crate::{
    client::Client,
    error::{from_script, is_split},
    scripts::{self, flag, millis},
    target::Node,
};

/// How many notes one call is about.
const CHANGES_AT_ONCE: usize = 256;

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// An inbox, and who hears of what comes there.
pub(super) struct Inbox {
    /// The channel.
    name: Channel,
    /// The streams that are followed, by the names of their metas.
    pub(super) board: Arc<Board>,
    client: Client,
    ttl: Duration,
    /// The server, for [`Topics`]: whichever has the partition.
    node: Node,
}

/// A change of notes: the streams that are followed from now on, and those that no longer are.
#[derive(Default)]
struct Change {
    join: Vec<Channel>,
    leave: Vec<Channel>,
}

impl Inbox {
    /// An inbox for a partition, which nobody reads yet. A note about a stream that is not there is kept for `ttl`.
    pub(super) fn new(client: Client, partition: u16, ttl: Duration) -> Self {
        let name = client.keys.new_inbox(partition).into();
        Self { name, board: Arc::default(), client, ttl, node: "".into() }
    }

    pub(super) fn name(&self) -> &Channel {
        &self.name
    }

    /// Tells those that listen what came.
    pub(super) fn heard(&self, message: &[u8]) {
        let Some(()) = self.read(message) else {
            warn!("a message in the inbox cannot be read: is something else publishing there?");
            return self.interrupted();
        };
    }

    /// MessagePack: an array of metas, each followed by what was added to its stream.
    fn read(&self, mut message: &[u8]) -> Option<()> {
        let strings = rmp::decode::read_array_len(&mut message).ok()?;
        for _ in 0..strings / 2 {
            let stream = str::from_utf8(string(&mut message)?).ok()?;
            let payload = string(&mut message)?;
            // Nobody is called under the lock.
            let ears = self.board.topics.lock().ears(stream);
            let ended = ears.is_some_and(|ears| tell(&ears, payload));
            if ended {
                self.board.topics.lock().ended(stream);
            }
        }
        Some(())
    }

    /// Something may have been missed: all notes are made anew, and each listener is told once its own is there.
    pub(super) fn interrupted(&self) {
        self.board.topics.lock().lose(&self.node);
        self.board.changed.notify_one();
    }

    /// Keeps the notes as they are wanted. Runs until it is aborted with its owner.
    pub(super) async fn run(self: Arc<Self>) {
        let mut queue = VecDeque::new();
        loop {
            self.board.changed.notified().await;
            while let Some(change) = self.plan(&mut queue) {
                if self.send(change).await.is_err() {
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// Somebody else makes the note of this stream, if it is still to be made.
    pub(super) fn note(self: &Arc<Self>, stream: String) -> Option<Note> {
        let (stream, since) = (Channel::from(stream), Instant::now());
        let mut topics = self.board.topics.lock();
        (topics.need(&stream) == Need::Join).then(|| {
            topics.joining(&stream, &self.node, since);
            Note { inbox: Arc::clone(self), stream: Arc::clone(&stream), since }
        })
    }

    /// What to change next: some of what waits for it.
    fn plan(&self, queue: &mut VecDeque<Channel>) -> Option<Change> {
        let (mut change, now) = (Change::default(), Instant::now());
        let topics = &mut *self.board.topics.lock();
        queue.extend(topics.take_changed());
        while change.join.len() + change.leave.len() < CHANGES_AT_ONCE {
            let Some(stream) = queue.pop_front() else { break };
            match topics.need(&stream) {
                Need::Nothing => {}
                Need::Join => {
                    topics.joining(&stream, &self.node, now);
                    change.join.push(stream);
                }
                Need::Leave(node) => {
                    topics.leaving(&stream, &node, now);
                    change.leave.push(stream);
                }
            }
        }
        (!change.join.is_empty() || !change.leave.is_empty()).then_some(change)
    }

    async fn send(&self, change: Change) -> Result<(), broker::Error> {
        let Change { join, leave } = &change;
        let streams = || join.iter().chain(leave);
        let call = scripts::LISTEN.call(streams()).arg(&*self.name).arg(millis(self.ttl));
        let flags = streams().enumerate().map(|(place, _)| flag(place < join.len()));
        let call = flags.fold(call, |call, flag| call.arg(flag));
        let failed: Vec<(usize, String)> = match self.client.run(&call).await {
            Ok(failed) => failed,
            Err(error) if is_split(&error) => return self.send_each(change).await,
            Err(error) => {
                warn!(streams = join.len() + leave.len(), %error, "failed to note which streams are followed");
                streams().for_each(|stream| failed_at(&mut self.board.topics.lock(), stream));
                return Err(error);
            }
        };
        for (place, stream) in streams().enumerate() {
            let mut topics = self.board.topics.lock();
            if failed.iter().any(|(at, _)| *at == place) {
                failed_at(&mut topics, stream);
            } else if place >= join.len() {
                topics.left(stream, &self.node);
            } else if let Some(interrupted) = topics.joined(stream, &self.node) {
                drop(topics);
                tell_interruption(&interrupted);
            }
        }
        match failed.first() {
            None => Ok(()),
            Some((_, told)) => {
                let error = from_script(told);
                warn!(streams = failed.len(), %error, "failed to note which streams are followed");
                Err(error)
            }
        }
    }

    /// While their slot moves, some of the streams are here and some there.
    async fn send_each(&self, Change { join, leave }: Change) -> Result<(), broker::Error> {
        let joins = join.into_iter().map(|stream| Change { join: vec![stream], ..Change::default() });
        let leaves = leave.into_iter().map(|stream| Change { leave: vec![stream], ..Change::default() });
        let each = joins.chain(leaves).map(|change| Box::pin(self.send(change)));
        join_all(each).await.into_iter().collect()
    }
}

/// A note that a stream's creation makes in passing. If it is dropped before it is [made](Self::made), the inbox makes the
/// note itself.
pub(crate) struct Note {
    inbox: Arc<Inbox>,
    stream: Channel,
    since: Instant,
}

impl Note {
    /// What to note.
    pub(crate) fn inbox(&self) -> &str {
        &self.inbox.name
    }

    /// The note is there.
    pub(crate) fn made(self) {
        let mut topics = self.inbox.board.topics.lock();
        // It may have been lost meanwhile: then another is made.
        let interrupted = topics
            .is_joining_since(&self.stream, self.since)
            .then(|| topics.joined(&self.stream, &self.inbox.node));
        drop(topics);
        if let Some(Some(interrupted)) = interrupted {
            tell_interruption(&interrupted);
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        let mut topics = self.inbox.board.topics.lock();
        if topics.is_joining_since(&self.stream, self.since) {
            failed_at(&mut topics, &self.stream);
            self.inbox.board.changed.notify_one();
        }
    }
}

/// Nothing is known to be there: it is tried again.
fn failed_at(topics: &mut Topics, stream: &Channel) {
    topics.failed(stream);
    topics.look_again([Arc::clone(stream)]);
}

/// The next string of a message.
fn string<'a>(message: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = rmp::decode::read_str_len(message).ok()?;
    let (string, rest) = message.split_at_checked(length as usize)?;
    *message = rest;
    Some(string)
}
