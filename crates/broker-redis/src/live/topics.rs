//! Which channels are wanted, and which are subscribed: the state that listeners and the task share. No I/O.
//!
//! A channel goes from absent to joining to joined to leaving and back. Only the server's own confirmations say that it
//! has arrived, because only they stand in one order with what is published. What someone wants to change is noted in a
//! list; the task compares what is wanted with what is there, so coming and going many times costs nothing.

use std::{collections::HashMap, mem, sync::Arc};

use tokio::{sync::oneshot, time::Instant};

use super::ear::{Ear, Ears};
use crate::target::Node;

/// The name of a channel.
pub(super) type Channel = Arc<str>;

/// All channels that someone listens to, or is about to leave.
#[derive(Default)]
pub(super) struct Topics {
    by_channel: HashMap<Channel, Topic>,
    changed: Vec<Channel>,
    last_key: u64,
}

#[derive(Default)]
struct Topic {
    ears: Ears,
    is_sharded: bool,
    state: State,
    /// Something may have been missed since the ears last heard.
    lost: bool,
    /// Those who want to know when it is joined.
    waiting: Vec<oneshot::Sender<()>>,
}

#[derive(Default)]
enum State {
    #[default]
    Absent,
    Joining(Node, Instant),
    Joined(Node),
    Leaving(Node, Instant),
}

/// What to do about a channel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Join,
    Leave(Node),
}

impl Topics {
    /// Adds a listener. It has to wait if the channel is not joined.
    pub(super) fn join(&mut self, channel: &Channel, ear: Ear) -> (u64, Option<oneshot::Receiver<()>>) {
        self.last_key += 1;
        let topic = self.by_channel.entry(Arc::clone(channel)).or_default();
        topic.is_sharded = ear.is_sharded();
        Arc::make_mut(&mut topic.ears).push((self.last_key, ear));
        if matches!(topic.state, State::Joined(_)) {
            return (self.last_key, None);
        }
        let (joined, wait) = oneshot::channel();
        topic.waiting.push(joined);
        self.changed.push(Arc::clone(channel));
        (self.last_key, Some(wait))
    }

    /// Removes a listener, for the caller to drop.
    pub(super) fn leave(&mut self, channel: &str, key: u64) -> Option<Ear> {
        let (channel, topic) = self.by_channel.get_key_value(channel)?;
        let place = topic.ears.iter().position(|(other, _)| *other == key)?;
        let channel = Arc::clone(channel);
        let topic = self.by_channel.get_mut(&channel)?;
        let (_, ear) = Arc::make_mut(&mut topic.ears).remove(place);
        if topic.ears.is_empty() {
            topic.waiting.clear();
            self.changed.push(channel);
        }
        Some(ear)
    }

    /// The listeners of a channel.
    pub(super) fn ears(&self, channel: &str) -> Option<Ears> {
        self.by_channel.get(channel).map(|topic| Arc::clone(&topic.ears))
    }

    /// The listeners of all channels.
    pub(super) fn all_ears(&self) -> Vec<Ears> {
        self.by_channel.values().map(|topic| Arc::clone(&topic.ears)).collect()
    }

    /// The channels to look at.
    pub(super) fn take_changed(&mut self) -> Vec<Channel> {
        mem::take(&mut self.changed)
    }

    /// Notes channels to look at again.
    pub(super) fn look_again(&mut self, channels: impl IntoIterator<Item = Channel>) {
        self.changed.extend(channels);
    }

    /// What to do about a channel. One that nobody needs is forgotten.
    pub(super) fn need(&mut self, channel: &str) -> Need {
        let Some(topic) = self.by_channel.get(channel) else { return Need::Nothing };
        match (&topic.state, topic.ears.is_empty()) {
            (State::Absent, true) => {
                self.by_channel.remove(channel);
                Need::Nothing
            }
            (State::Absent, false) => Need::Join,
            (State::Joined(node), true) => Need::Leave(Arc::clone(node)),
            _ => Need::Nothing,
        }
    }

    /// Whether a channel is sharded in a cluster.
    pub(super) fn is_sharded(&self, channel: &str) -> bool {
        self.by_channel.get(channel).is_some_and(|topic| topic.is_sharded)
    }

    /// A subscription is on its way to `node`.
    pub(super) fn joining(&mut self, channel: &str, node: &Node, now: Instant) {
        self.set(channel, State::Joining(Arc::clone(node), now));
    }

    /// Whether the subscription that is on its way is the one that began at `since`.
    pub(super) fn is_joining_since(&self, channel: &str, since: Instant) -> bool {
        let topic = self.by_channel.get(channel);
        topic.is_some_and(|topic| matches!(topic.state, State::Joining(_, at) if at == since))
    }

    /// The end of a subscription is on its way.
    pub(super) fn leaving(&mut self, channel: &str, node: &Node, now: Instant) {
        self.set(channel, State::Leaving(Arc::clone(node), now));
    }

    /// A command about a channel has failed: nothing is known to be there. It is not noted as changed; the caller looks
    /// again when there is hope.
    pub(super) fn failed(&mut self, channel: &str) {
        self.set(channel, State::Absent);
    }

    /// `node` confirms a subscription. Whoever missed something is returned, to be told.
    pub(super) fn joined(&mut self, channel: &str, node: &Node) -> Option<Ears> {
        let (channel, topic) = self.by_channel.get_key_value(channel)?;
        let channel = Arc::clone(channel);
        if !matches!(&topic.state, State::Joining(at, _) if at == node) {
            return None;
        }
        let topic = self.by_channel.get_mut(&channel)?;
        topic.state = State::Joined(Arc::clone(node));
        for waiting in topic.waiting.drain(..) {
            // Whoever has left meanwhile needs no answer.
            let _ = waiting.send(());
        }
        if topic.ears.is_empty() {
            self.changed.push(channel);
        }
        mem::take(&mut topic.lost).then(|| Arc::clone(&topic.ears))
    }

    /// `node` confirms the end of a subscription; whether nobody asked for it, because the channel moved elsewhere.
    pub(super) fn left(&mut self, channel: &str, node: &Node) -> bool {
        let Some((channel, topic)) = self.by_channel.get_key_value(channel) else { return false };
        let unasked = match &topic.state {
            State::Leaving(at, _) if at == node => false,
            State::Joined(at) if at == node => true,
            _ => return false,
        };
        let channel = Arc::clone(channel);
        if let Some(topic) = self.by_channel.get_mut(&channel) {
            topic.state = State::Absent;
            topic.lost |= unasked;
        }
        self.changed.push(channel);
        unasked
    }

    /// Nothing more is to come on a channel: once it is joined, there is nothing to leave any more. While it still is being
    /// joined, somebody waits for that: what comes there may be faster than the confirmation.
    pub(super) fn ended(&mut self, channel: &str) {
        if let Some(topic) = self.by_channel.get_mut(channel)
            && matches!(topic.state, State::Joined(_))
        {
            topic.state = State::Absent;
        }
    }

    /// The connection to `node` has ended, and all that was on it.
    pub(super) fn lose(&mut self, node: &Node) {
        for (channel, topic) in &mut self.by_channel {
            let was_joined = match &topic.state {
                State::Joined(at) if at == node => true,
                State::Joining(at, _) | State::Leaving(at, _) if at == node => false,
                _ => continue,
            };
            topic.state = State::Absent;
            topic.lost |= was_joined;
            self.changed.push(Arc::clone(channel));
        }
    }

    /// Begins anew with channels whose confirmation has not come since `before`: it was dropped with too much else.
    pub(super) fn retry_stuck(&mut self, before: Instant) {
        for (channel, topic) in &mut self.by_channel {
            if let State::Joining(_, since) | State::Leaving(_, since) = &topic.state
                && *since < before
            {
                topic.state = State::Absent;
                self.changed.push(Arc::clone(channel));
            }
        }
    }

    fn set(&mut self, channel: &str, state: State) {
        if let Some(topic) = self.by_channel.get_mut(channel) {
            topic.state = state;
        }
    }
}

#[cfg(test)]
mod tests;
