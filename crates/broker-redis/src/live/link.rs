//! One node's connection, and the commands on it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use redis::{
    AsyncConnectionConfig, Client, PushInfo, RedisError, RedisResult, Value, aio::MultiplexedConnection,
};
use tokio::{sync::mpsc, time::Instant};

use super::topics::{Channel, Need, Topics};
use crate::target::{Node, Target};

/// The longest wait before another try to connect.
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// How many channels one round of commands is about.
const CHANGES_AT_ONCE: usize = 256;

/// What came on a connection.
pub(super) struct Push {
    pub(super) node: Node,
    pub(super) generation: u64,
    pub(super) info: PushInfo,
}

impl Push {
    /// The channel that it is about.
    pub(super) fn channel(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes(0)?).ok()
    }

    /// What was published.
    pub(super) fn payload(&self) -> Option<&[u8]> {
        self.bytes(1)
    }

    fn size(&self) -> usize {
        self.payload().map_or(0, <[u8]>::len)
    }

    fn bytes(&self, place: usize) -> Option<&[u8]> {
        match self.info.data.get(place)? {
            Value::BulkString(bytes) => Some(bytes),
            Value::SimpleString(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
}

/// Where connections leave what comes. It never waits: what finds no room is dropped, and that it was is noted.
#[derive(Clone)]
pub(super) struct Arrivals {
    pushes: mpsc::Sender<Push>,
    max_bytes: usize,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Of the payloads that were not taken yet.
    bytes: AtomicUsize,
    overflown: AtomicBool,
}

impl Arrivals {
    pub(super) fn new(pushes: mpsc::Sender<Push>, max_bytes: usize) -> Self {
        Self { pushes, max_bytes, state: Arc::default() }
    }

    pub(super) fn put(&self, push: Push) {
        let size = push.size();
        let has_room = self.state.bytes.fetch_add(size, Ordering::Relaxed) + size <= self.max_bytes;
        if !has_room || self.pushes.try_send(push).is_err() {
            self.state.bytes.fetch_sub(size, Ordering::Relaxed);
            self.state.overflown.store(true, Ordering::Release);
        }
    }

    /// `push`, which was put there, has left.
    pub(super) fn taken(&self, push: &Push) {
        self.state.bytes.fetch_sub(push.size(), Ordering::Relaxed);
    }

    /// Whether something was dropped since this was asked last.
    pub(super) fn has_overflown(&self) -> bool {
        self.state.overflown.load(Ordering::Relaxed) && self.state.overflown.swap(false, Ordering::AcqRel)
    }
}

/// What the task knows of a node's connection.
#[derive(Default)]
pub(super) struct Link {
    /// Counts the connections to this node, so that what an earlier one leaves behind is recognized.
    pub(super) generation: u64,
    pub(super) connection: Option<MultiplexedConnection>,
    pub(super) is_connecting: bool,
    /// A command about subscriptions is on its way: the next one waits, and carries all that comes until then.
    pub(super) is_busy: bool,
    /// The channels to look at on this node.
    pub(super) queue: VecDeque<Channel>,
    pub(super) failures: u32,
}

impl Link {
    /// How long to wait before the next try to connect.
    pub(super) fn backoff(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => (Duration::from_millis(25) * 2_u32.pow(failures.min(10) - 1)).min(MAX_BACKOFF),
        }
    }

    /// What to send of what waits for it: some of it, and of that what is still wanted.
    pub(super) fn plan(&mut self, topics: &mut Topics, node: &Node, is_cluster: bool) -> Change {
        let (mut change, now) = (Change::default(), Instant::now());
        while change.is_empty() && !self.queue.is_empty() {
            let count = self.queue.len().min(CHANGES_AT_ONCE);
            for channel in self.queue.drain(..count) {
                let is_sharded = is_cluster && topics.is_sharded(&channel);
                match topics.need(&channel) {
                    Need::Join => {
                        topics.joining(&channel, node, now);
                        if is_sharded { &mut change.join_sharded } else { &mut change.join }.push(channel);
                    }
                    Need::Leave(at) if at == *node => {
                        topics.leaving(&channel, node, now);
                        if is_sharded { &mut change.leave_sharded } else { &mut change.leave }.push(channel);
                    }
                    _ => {}
                }
            }
        }
        change
    }
}

/// Connects to a node, so that what comes goes to `arrivals`.
pub(super) async fn connect(
    target: &Target,
    node: Node,
    generation: u64,
    arrivals: Arrivals,
) -> RedisResult<MultiplexedConnection> {
    let info = target.connection(&node)?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(target.connect_timeout))
        .set_response_timeout(Some(target.response_timeout))
        .set_push_sender(move |info| {
            arrivals.put(Push { node: Arc::clone(&node), generation, info });
            Ok::<_, redis::aio::SendError>(())
        });
    Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await
}

/// A change of subscriptions, to be sent to one node.
#[derive(Default)]
pub(super) struct Change {
    pub(super) join: Vec<Channel>,
    pub(super) leave: Vec<Channel>,
    /// Sharded channels, in a cluster: of different slots, so each takes a command.
    pub(super) join_sharded: Vec<Channel>,
    pub(super) leave_sharded: Vec<Channel>,
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        [&self.join, &self.leave, &self.join_sharded, &self.leave_sharded]
            .iter()
            .all(|channels| channels.is_empty())
    }

    /// Sends it, and returns what failed. Whether the rest took effect, the server's confirmations say.
    pub(super) async fn send(self, connection: MultiplexedConnection) -> Vec<(Channel, RedisError)> {
        let together = [(Verb::Subscribe, self.join), (Verb::Unsubscribe, self.leave)];
        let together = together.into_iter().filter(|(_, channels)| !channels.is_empty());
        let joins = self.join_sharded.into_iter().map(|channel| (Verb::ShardSubscribe, vec![channel]));
        let leaves = self.leave_sharded.into_iter().map(|channel| (Verb::ShardUnsubscribe, vec![channel]));
        let commands = together.chain(joins).chain(leaves);
        let answers = commands.map(|(verb, channels)| command(connection.clone(), verb, channels));
        join_all(answers).await.concat()
    }
}

#[derive(Clone, Copy)]
enum Verb {
    Subscribe,
    Unsubscribe,
    ShardSubscribe,
    ShardUnsubscribe,
}

async fn command(
    mut connection: MultiplexedConnection,
    verb: Verb,
    channels: Vec<Channel>,
) -> Vec<(Channel, RedisError)> {
    let names: Vec<&str> = channels.iter().map(|channel| &**channel).collect();
    let answer = match verb {
        Verb::Subscribe => connection.subscribe(names).await,
        Verb::Unsubscribe => connection.unsubscribe(names).await,
        Verb::ShardSubscribe => redis::cmd("SSUBSCRIBE").arg(names).exec_async(&mut connection).await,
        Verb::ShardUnsubscribe => redis::cmd("SUNSUBSCRIBE").arg(names).exec_async(&mut connection).await,
    };
    match answer {
        Ok(()) => Vec::new(),
        Err(error) => channels.into_iter().map(|channel| (channel, error.clone())).collect(),
    }
}
