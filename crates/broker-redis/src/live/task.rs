//! The task that hears: it owns the connections, and is the only one that calls listeners.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use redis::{PushKind, RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tracing::{info, warn};

use super::{
    board::Board,
    ear::{tell, tell_interruption},
    link::{Arrivals, Link, Push, connect},
    topics::{Channel, Need},
};
use crate::{nodes::Nodes, target::Node};

/// How many messages wait for the task, and how many bytes of them. When there is no room for another, it is dropped, and
/// every listener is told that it may have missed something. A message is what one call of a worker added to the streams that
/// are followed here: some kilobytes as a rule.
const ARRIVALS: usize = 8_192;
const ARRIVAL_BYTES: usize = 64 << 20;

/// How many messages are heard before the task looks after anything else.
const AT_ONCE: usize = 256;

/// How often the task looks after what went wrong silently.
const TICK: Duration = Duration::from_secs(1);

/// In how many ticks each connection is asked whether it still is one.
const PING_TICKS: u64 = 5;

/// How long a confirmation may take before it counts as lost.
const STUCK: Duration = Duration::from_secs(3);

/// How long after something has moved the slots are asked for: while they move, the answer is worth little, and a stream
/// is not heard for so long anyway that its readers are told.
const MAP_DELAY: Duration = Duration::from_millis(100);

/// All that happens to the task.
enum Event {
    Push(Push),
    /// Someone listens, or has left.
    Changed,
    Linked(Node, u64, RedisResult<MultiplexedConnection>),
    /// A change of subscriptions was answered; these failed.
    Sent(Node, u64, Vec<(Channel, RedisError)>),
    Pinged(Node, u64, RedisResult<()>),
    /// Which node has which slots was found out anew.
    Mapped(RedisResult<()>),
    Tick,
}

pub(super) struct Task {
    nodes: Arc<Nodes>,
    board: Arc<Board>,
    links: HashMap<Node, Link>,
    is_mapping: bool,
    /// Channels whose commands failed, to be looked at with the next tick, or when the slots are known again.
    later: Vec<Channel>,
    arrivals: Arrivals,
    pushes: mpsc::Receiver<Push>,
    /// What is on its way: for each node at most one connection, one change and one ping; and one question for the slots.
    work: JoinSet<Event>,
    ticks: u64,
}

impl Task {
    pub(super) fn new(nodes: Arc<Nodes>, board: Arc<Board>) -> Self {
        let (sender, pushes) = mpsc::channel(ARRIVALS);
        Self {
            nodes,
            board,
            links: HashMap::new(),
            is_mapping: false,
            later: Vec::new(),
            arrivals: Arrivals::new(sender, ARRIVAL_BYTES),
            pushes,
            work: JoinSet::new(),
            ticks: 0,
        }
    }

    /// Runs until it is aborted with its owner.
    pub(super) async fn run(mut self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // All of these are cancel safe: what is not taken now is there the next time.
            let event = tokio::select! {
                Some(push) = self.pushes.recv() => Event::Push(push),
                () = self.board.changed.notified() => Event::Changed,
                Some(done) = self.work.join_next() => match done {
                    Ok(event) => event,
                    // It was aborted: the task ends.
                    Err(_) => continue,
                },
                _ = tick.tick() => Event::Tick,
            };
            self.handle(event);
            if self.arrivals.has_overflown() {
                self.overflow();
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Push(push) => {
                self.heard(push);
                self.hear_more();
            }
            Event::Changed => self.route(),
            Event::Linked(node, generation, result) => self.linked(&node, generation, result),
            Event::Sent(node, generation, failed) => self.sent(&node, generation, failed),
            Event::Pinged(node, generation, result) => {
                if let Err(error) = result {
                    self.lose(&node, generation, &error);
                }
            }
            Event::Mapped(result) => self.mapped(result),
            Event::Tick => self.tick(),
        }
    }

    // What comes.

    /// What came together is heard together.
    fn hear_more(&mut self) {
        for _ in 1..AT_ONCE {
            let Ok(push) = self.pushes.try_recv() else { return };
            self.heard(push);
        }
    }

    fn heard(&mut self, push: Push) {
        self.arrivals.taken(&push);
        match (&push.info.kind, push.channel()) {
            (PushKind::Message | PushKind::SMessage, Some(channel)) => {
                // Nobody is called under the lock.
                let ears = self.board.topics.lock().ears(channel);
                if let (Some(ears), Some(payload)) = (ears, push.payload()) {
                    // Of a channel's end nobody has to be told: whoever hears leaves it.
                    let _ = tell(&ears, payload);
                }
            }
            (PushKind::Disconnection, _) => {
                let error = (redis::ErrorKind::Io, "the connection has ended").into();
                self.lose(&push.node, push.generation, &error);
            }
            _ if !self.is_current(&push.node, push.generation) => {}
            (PushKind::Subscribe | PushKind::SSubscribe, Some(channel)) => {
                let interrupted = self.board.topics.lock().joined(channel, &push.node);
                if let Some(ears) = interrupted {
                    tell_interruption(&ears);
                }
                self.route();
            }
            (PushKind::Unsubscribe | PushKind::SUnsubscribe, Some(channel)) => {
                let moved = self.board.topics.lock().left(channel, &push.node);
                if moved {
                    self.map();
                }
                self.route();
            }
            _ => {}
        }
    }

    /// Something was dropped, and nobody knows what.
    fn overflow(&self) {
        let all = self.board.topics.lock().all_ears();
        warn!(channels = all.len(), "live messages came faster than they were heard");
        all.iter().for_each(tell_interruption);
    }

    // What is wanted.

    /// Brings the channels that have changed to the nodes that have them.
    fn route(&mut self) {
        let mut touched = BTreeSet::new();
        let mut lost = false;
        {
            let mut topics = self.board.topics.lock();
            for channel in topics.take_changed() {
                let node = match topics.need(&channel) {
                    Need::Nothing => continue,
                    Need::Leave(node) => Some(node),
                    Need::Join => self.nodes.node(&channel),
                };
                let Some(node) = node else {
                    self.later.push(channel);
                    lost = true;
                    continue;
                };
                self.links.entry(Arc::clone(&node)).or_default().queue.push_back(channel);
                touched.insert(node);
            }
        }
        if lost {
            self.map();
        }
        for node in touched {
            self.flush(&node);
        }
    }

    /// Sends a node what is to be changed there, unless it has not answered the last time yet.
    fn flush(&mut self, node: &Node) {
        let Some(link) = self.links.get_mut(node).filter(|link| !link.is_busy && !link.queue.is_empty())
        else {
            return;
        };
        let Some(connection) = link.connection.clone() else { return self.connect(node) };
        let change = link.plan(&mut self.board.topics.lock(), node, self.nodes.target().is_cluster());
        if change.is_empty() {
            return;
        }
        link.is_busy = true;
        let (node, generation) = (Arc::clone(node), link.generation);
        self.work.spawn(async move { Event::Sent(node, generation, change.send(connection).await) });
    }

    fn sent(&mut self, node: &Node, generation: u64, failed: Vec<(Channel, RedisError)>) {
        let Some(link) = self.links.get_mut(node).filter(|link| link.generation == generation) else {
            return;
        };
        link.is_busy = false;
        let broken = failed.iter().find(|(_, error)| error.is_io_error()).map(|(_, error)| error.clone());
        let moved = failed.iter().any(|(_, error)| error.redirect_node().is_some());
        if let Some((channel, error)) = failed.first() {
            warn!(%node, %channel, channels = failed.len(), %error, "failed to change subscriptions");
        }
        for (channel, _) in failed {
            self.board.topics.lock().failed(&channel);
            self.later.push(channel);
        }
        if moved {
            self.map();
        }
        match broken {
            Some(error) => self.lose(node, generation, &error),
            None => self.flush(node),
        }
    }

    // Connections.

    fn connect(&mut self, node: &Node) {
        let Some(link) = self.links.get_mut(node).filter(|link| !link.is_connecting) else { return };
        link.is_connecting = true;
        link.generation += 1;
        let (backoff, generation) = (link.backoff(), link.generation);
        let (nodes, arrivals, node) = (Arc::clone(&self.nodes), self.arrivals.clone(), Arc::clone(node));
        self.work.spawn(async move {
            sleep(backoff).await;
            let connection = Box::pin(connect(nodes.target(), Arc::clone(&node), generation, arrivals)).await;
            Event::Linked(node, generation, connection)
        });
    }

    fn linked(&mut self, node: &Node, generation: u64, result: RedisResult<MultiplexedConnection>) {
        let Some(link) = self.links.get_mut(node).filter(|link| link.generation == generation) else {
            return;
        };
        link.is_connecting = false;
        match result {
            Ok(connection) => {
                info!(%node, failures = link.failures, "connected to the live path");
                link.connection = Some(connection);
                link.failures = 0;
            }
            Err(error) => {
                warn!(%node, %error, "failed to connect to the live path");
                link.failures = link.failures.saturating_add(1);
                // In a cluster its channels may have another master by now.
                self.map();
            }
        }
        self.flush(node);
    }

    /// The connection is no longer one. All that was on it is wanted again.
    fn lose(&mut self, node: &Node, generation: u64, error: &RedisError) {
        let Some(link) = self.links.get_mut(node).filter(|link| link.generation == generation) else {
            return;
        };
        warn!(%node, %error, "lost the live path");
        // The next connection gets another number: what this one leaves behind is not taken for that one's.
        *link = Link {
            generation: link.generation + 1,
            queue: std::mem::take(&mut link.queue),
            // Not at once: a server that accepts and drops would be asked without a pause.
            failures: 1,
            ..Link::default()
        };
        self.board.topics.lock().lose(node);
        self.map();
        self.route();
        self.flush(node);
    }

    fn is_current(&self, node: &Node, generation: u64) -> bool {
        self.links.get(node).is_some_and(|link| link.generation == generation)
    }

    // The slots of a cluster.

    fn map(&mut self) {
        if self.is_mapping || !self.nodes.target().is_cluster() {
            return;
        }
        self.is_mapping = true;
        let nodes = Arc::clone(&self.nodes);
        self.work.spawn(async move {
            sleep(MAP_DELAY).await;
            Event::Mapped(Box::pin(nodes.refresh()).await)
        });
    }

    fn mapped(&mut self, result: RedisResult<()>) {
        self.is_mapping = false;
        if let Err(error) = result {
            // The next tick asks again, if anything still waits for it.
            return warn!(%error, "failed to find the nodes of the cluster");
        }
        let queued = self.links.values_mut().flat_map(|link| link.queue.drain(..));
        let again: Vec<_> = queued.chain(self.later.drain(..)).collect();
        self.board.topics.lock().look_again(again);
        self.route();
    }

    // Now and then.

    fn tick(&mut self) {
        self.ticks += 1;
        {
            let mut topics = self.board.topics.lock();
            topics.look_again(self.later.drain(..));
            if let Some(before) = Instant::now().checked_sub(STUCK) {
                topics.retry_stuck(before);
            }
        }
        self.links
            .retain(|_, link| link.connection.is_some() || link.is_connecting || !link.queue.is_empty());
        if self.ticks.is_multiple_of(PING_TICKS) {
            self.ping();
        }
        self.route();
    }

    fn ping(&mut self) {
        for (node, link) in &self.links {
            let Some(mut connection) = link.connection.clone() else { continue };
            let (node, generation) = (Arc::clone(node), link.generation);
            self.work.spawn(async move {
                let pinged = redis::cmd("PING").exec_async(&mut connection).await;
                Event::Pinged(node, generation, pinged)
            });
        }
    }
}

#[cfg(test)]
mod tests;
