//! The nodes, which keys each has, and the connection to each that everyone shares.
//!
//! One server is a cluster of one node, without slots. The Redis client has a connection for clusters, too, but in 1.8 it
//! can wait for itself for ever when slots move while requests run: then every request on it times out until the process
//! ends. It also holds all requests up while it connects to one node. What is needed here is little: every command is
//! about the keys of one slot.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::select_ok;
use parking_lot::Mutex;
use redis::{
    Client, Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike as _, ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::{Instant, sleep};

use crate::{
    slots::Slots,
    target::{Node, Target},
};

/// How many commands wait to be written to a node before the next caller waits to add one.
const WRITE_QUEUE: usize = 1_024;

/// How often a command is sent on to another node before its caller is told.
const REDIRECTS: u32 = 16;

/// How long to wait while a cluster is of two minds.
const PAUSE: Duration = Duration::from_millis(20);

/// The nodes as they are known right now.
pub(crate) struct Nodes {
    target: Target,
    connections: Mutex<HashMap<Node, ConnectionManager>>,
    slots: Mutex<Slots>,
    /// When the slots were asked for last. Whoever holds the lock asks, for all that wait for it.
    refreshed: tokio::sync::Mutex<Option<Instant>>,
    /// A node did not answer: the slots may have moved away from it.
    is_suspect: AtomicBool,
    /// Counts the new streams.
    begun: AtomicUsize,
}

impl Nodes {
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            connections: Mutex::default(),
            slots: Mutex::default(),
            refreshed: tokio::sync::Mutex::new(None),
            is_suspect: AtomicBool::new(false),
            // Many processes that begin few streams each shall not all begin them on one master.
            begun: AtomicUsize::new(RandomState::new().hash_one(()) as usize),
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The node that has `key`, as far as is known.
    pub(crate) fn node(&self, key: &str) -> Option<Node> {
        if self.target.is_cluster() {
            self.slots.lock().node(key).cloned()
        } else {
            self.target.seeds().next()
        }
    }

    /// The partition for a new stream: of one master after the other.
    pub(crate) fn home(&self) -> u16 {
        let slots = self.slots.lock();
        let homes = slots.homes();
        let turn = self.begun.fetch_add(1, Ordering::Relaxed).checked_rem(homes.len());
        turn.map_or(0, |turn| homes[turn])
    }

    /// Whether `node` has keys, or is one of those that were configured.
    pub(crate) fn knows(&self, node: &Node) -> bool {
        self.slots.lock().masters().contains(node) || self.target.seeds().any(|seed| seed == *node)
    }

    /// Finds out what must be known before the first command.
    pub(crate) async fn prepare(&self) -> RedisResult<()> {
        if self.target.is_cluster() { self.refresh().await } else { Ok(()) }
    }

    /// Sends a command about `key` to the node that has it.
    pub(crate) async fn send(&self, key: &str, command: &Cmd) -> RedisResult<Value> {
        if !self.target.is_cluster() {
            return self.send_to(&self.node(key).unwrap_or_default(), command, false).await;
        }
        if self.is_suspect.load(Ordering::Relaxed) {
            self.refresh().await?;
        }
        let mut redirects = 0;
        let mut redirected = None;
        loop {
            let (node, asking) = match redirected.take() {
                Some(redirected) => redirected,
                None => (self.find(key).await?, false),
            };
            let error = match self.send_to(&node, command, asking).await {
                Err(error) if redirects < REDIRECTS => error,
                result => return result,
            };
            redirects += 1;
            match error.kind() {
                ErrorKind::Server(ServerErrorKind::Moved) => {
                    redirected = redirection(&error, &node).map(|node| (node, false));
                    self.refresh().await?;
                }
                // Only for this command: the slot is still on its way.
                ErrorKind::Server(ServerErrorKind::Ask) => {
                    redirected = redirection(&error, &node).map(|node| (node, true))
                }
                ErrorKind::Server(
                    ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown | ServerErrorKind::ReadOnly,
                ) => {
                    sleep(PAUSE).await;
                    self.refresh().await?;
                }
                // Whether it took effect is unknown: the caller decides. But the next one shall find the right node.
                ErrorKind::Io => {
                    self.suspect();
                    return Err(error);
                }
                _ => return Err(error),
            }
        }
    }

    /// A node did not answer in time.
    pub(crate) fn suspect(&self) {
        self.is_suspect.store(true, Ordering::Relaxed);
    }

    /// Finds out which node has which slots. Those who ask at the same time share one answer.
    pub(crate) async fn refresh(&self) -> RedisResult<()> {
        let asked = Instant::now();
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_some_and(|at| at > asked) {
            return Ok(());
        }
        let begin = Instant::now();
        let known = self.slots.lock().masters();
        let asking = known.into_iter().chain(self.target.seeds()).map(|node| Box::pin(self.ask_slots(node)));
        // The first answer counts: whoever is away must not hold it up.
        let (slots, _) = select_ok(asking).await?;
        *self.slots.lock() = slots;
        self.connections.lock().retain(|node, _| self.knows(node));
        self.is_suspect.store(false, Ordering::Relaxed);
        *refreshed = Some(begin);
        Ok(())
    }

    async fn find(&self, key: &str) -> RedisResult<Node> {
        if let Some(node) = self.node(key) {
            return Ok(node);
        }
        self.refresh().await?;
        self.node(key).ok_or_else(|| {
            (
                ErrorKind::ClusterConnectionNotFound,
                "no node of the cluster has the slot of a key",
                key.to_owned(),
            )
                .into()
        })
    }

    async fn ask_slots(&self, node: Node) -> RedisResult<Slots> {
        let answer = self.send_to(&node, redis::cmd("CLUSTER").arg("SLOTS"), false).await?;
        Ok(Slots::parse(answer, &node)?)
    }

    async fn send_to(&self, node: &Node, command: &Cmd, asking: bool) -> RedisResult<Value> {
        let mut connection = self.connection(node)?;
        let result = if asking {
            // In one packet: the permission is for the next command on the connection, whosever it is.
            let mut commands = redis::pipe();
            commands.cmd("ASKING").add_command(command.clone());
            let answers = connection.req_packed_commands(&commands, 0, 2).await;
            answers.map(|mut answers| answers.pop().unwrap_or(Value::Nil))
        } else {
            connection.req_packed_command(command).await
        };
        let result = result.and_then(Value::extract_error);
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::AuthenticationFailed) {
            // It would fail for ever, also when the password is right again.
            self.connections.lock().remove(node);
        }
        result
    }

    /// The shared connection to a node. It is made with the first command, and made again when it breaks.
    fn connection(&self, node: &Node) -> RedisResult<ConnectionManager> {
        let mut connections = self.connections.lock();
        if let Some(connection) = connections.get(node) {
            return Ok(connection.clone());
        }
        let info = self.target.connection(node)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.target.connect_timeout))
            .set_response_timeout(Some(self.target.response_timeout))
            .set_min_delay(PAUSE)
            .set_max_delay(Duration::from_millis(500))
            // A lonely server is waited for. In a cluster another node may have its slots, and is asked soon.
            .set_number_of_retries(if self.target.is_cluster() { 1 } else { 6 })
            .set_pipeline_buffer_size(WRITE_QUEUE);
        let connection = ConnectionManager::new_lazy_with_config(Client::open(info)?, config)?;
        connections.insert(Arc::clone(node), connection.clone());
        Ok(connection)
    }
}

/// Where an error says that a slot is. A node that does not know its own host leaves it out: it is that of the one that
/// was asked.
pub(crate) fn redirection(error: &RedisError, asked: &Node) -> Option<Node> {
    let (node, _) = error.redirect_node()?;
    let (host, port) = node.rsplit_once(':')?;
    if !host.is_empty() && host != "?" {
        return Some(node.into());
    }
    let (host, _) = asked.rsplit_once(':')?;
    Some(format!("{host}:{port}").into())
}
