use std::sync::Arc;

use broker::Listener;
use stream::{Record, ResponseId};

use super::*;

struct Deaf;

impl Listener for Deaf {
    fn heard(&self, _id: ResponseId, _record: Arc<Record>) {}
    fn interrupted(&self, _id: ResponseId) {}
}

fn ear() -> Ear {
    Ear::Stream(ResponseId::from_parts(0, 1), Arc::new(Deaf))
}

fn names() -> (Channel, Node, Node) {
    ("channel".into(), "node:1".into(), "node:2".into())
}

/// Topics with one listener on a channel that is joined on the first node.
fn joined() -> (Topics, u64) {
    let (channel, node, _) = names();
    let mut topics = Topics::default();
    let (key, wait) = topics.join(&channel, ear());
    assert_eq!(topics.take_changed(), [Arc::clone(&channel)]);
    assert_eq!(topics.need(&channel), Need::Join);
    topics.joining(&channel, &node, Instant::now());
    assert_eq!(topics.need(&channel), Need::Nothing);
    assert!(topics.joined(&channel, &node).is_none(), "nothing was missed");
    assert_eq!(wait.unwrap().blocking_recv(), Ok(()));
    (topics, key)
}

#[test]
fn a_second_listener_need_not_wait() {
    let (mut topics, _) = joined();
    let (channel, ..) = names();
    assert!(topics.join(&channel, ear()).1.is_none());
    assert_eq!(topics.ears(&channel).unwrap().len(), 2);
    assert!(topics.take_changed().is_empty());
}

/// A response may be over before the gateway has heard that it follows it.
#[test]
fn an_end_that_comes_first_leaves_nobody_waiting() {
    let (channel, node, _) = names();
    let mut topics = Topics::default();
    let (key, wait) = topics.join(&channel, ear());
    topics.joining(&channel, &node, Instant::now());
    topics.ended(&channel);
    topics.joined(&channel, &node);
    assert_eq!(wait.unwrap().blocking_recv(), Ok(()));
    topics.leave(&channel, key);
    assert_eq!(topics.need(&channel), Need::Leave(node));
}

#[test]
fn what_has_ended_needs_not_be_left() {
    let (mut topics, key) = joined();
    let (channel, ..) = names();
    topics.ended(&channel);
    topics.leave(&channel, key);
    assert_eq!(topics.need(&channel), Need::Nothing);
    assert!(topics.ears(&channel).is_none(), "it is forgotten");
}

#[test]
fn coming_and_going_at_once_changes_nothing() {
    let (mut topics, key) = joined();
    let (channel, ..) = names();
    assert!(topics.leave(&channel, key).is_some());
    assert!(topics.join(&channel, ear()).1.is_none());
    for channel in topics.take_changed() {
        assert_eq!(topics.need(&channel), Need::Nothing);
    }
}

#[test]
fn coming_back_while_leaving_joins_after_that() {
    let (mut topics, key) = joined();
    let (channel, node, _) = names();
    drop(topics.leave(&channel, key));
    assert_eq!(topics.need(&channel), Need::Leave(Arc::clone(&node)));
    topics.leaving(&channel, &node, Instant::now());
    let (_, wait) = topics.join(&channel, ear());
    assert!(wait.is_some());
    assert_eq!(topics.need(&channel), Need::Nothing);
    assert!(!topics.left(&channel, &node));
    assert_eq!(topics.need(&channel), Need::Join);
}

#[test]
fn what_nobody_needs_is_forgotten() {
    let (mut topics, key) = joined();
    let (channel, node, _) = names();
    drop(topics.leave(&channel, key));
    topics.leaving(&channel, &node, Instant::now());
    topics.left(&channel, &node);
    assert_eq!(topics.need(&channel), Need::Nothing);
    assert!(topics.by_channel.is_empty());
}

#[test]
fn after_a_loss_the_listener_is_told_when_it_hears_again() {
    let (mut topics, _) = joined();
    let (channel, node, other) = names();
    topics.lose(&other);
    assert!(topics.take_changed().is_empty());
    topics.lose(&node);
    assert_eq!(topics.take_changed(), [Arc::clone(&channel)]);
    assert_eq!(topics.need(&channel), Need::Join);
    topics.joining(&channel, &other, Instant::now());
    // A confirmation that the lost connection has left behind is not this one's.
    assert!(topics.joined(&channel, &node).is_none());
    assert_eq!(topics.joined(&channel, &other).unwrap().len(), 1);
    assert!(topics.joined(&channel, &other).is_none());
}

#[test]
fn a_channel_that_moves_is_joined_elsewhere() {
    let (mut topics, _) = joined();
    let (channel, node, other) = names();
    assert!(topics.left(&channel, &node), "nobody asked for it");
    assert_eq!(topics.need(&channel), Need::Join);
    topics.joining(&channel, &other, Instant::now());
    assert!(topics.joined(&channel, &other).is_some());
}

#[test]
fn a_confirmation_that_never_comes_is_not_waited_for() {
    let (channel, node, _) = names();
    let mut topics = Topics::default();
    let (_, wait) = topics.join(&channel, ear());
    let now = Instant::now();
    topics.joining(&channel, &node, now);
    topics.take_changed();
    topics.retry_stuck(now);
    assert!(topics.take_changed().is_empty());
    topics.retry_stuck(now + std::time::Duration::from_secs(1));
    assert_eq!(topics.take_changed(), [Arc::clone(&channel)]);
    assert_eq!(topics.need(&channel), Need::Join);
    topics.joining(&channel, &node, now);
    topics.joined(&channel, &node);
    assert_eq!(wait.unwrap().blocking_recv(), Ok(()));
}

#[test]
fn the_listener_is_given_back_to_be_dropped() {
    let (mut topics, key) = joined();
    let (channel, ..) = names();
    assert!(topics.leave(&channel, key).is_some());
    assert!(topics.leave(&channel, key).is_none());
    assert!(topics.leave("other", key).is_none());
}
