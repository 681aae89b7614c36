//! Scenes about stops, attendance and the roster.

use std::{sync::Arc, time::Duration};

use super::stage::{
    LONG, SHORT, StopEar, attended, background, begin, begin_with, completed, deltas, eventually, fresh, open,
};
use crate::{Broker, Member, Model, Stop};

/// Stop requests of a stream that runs.
async fn stop(broker: &Broker, id: stream::ResponseId) -> Option<Stop> {
    broker.control.stops_requested(&[id]).await.unwrap()[0]
}

async fn eventually_abandoned(broker: &Broker, id: stream::ResponseId) {
    eventually("the response is abandoned", async || stop(broker, id).await == Some(Stop::Abandoned)).await;
}

/// A stop is durable: every later question and append answers it, also a later owner's.
pub async fn a_cancel_lasts(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    assert_eq!(broker.log.append(id, epoch, 1, &deltas(1, 1)).await.unwrap().stop, None);
    broker.control.cancel(id).await.unwrap();
    broker.control.cancel(id).await.unwrap();
    for next in 2..4 {
        assert_eq!(stop(broker, id).await, Some(Stop::Cancelled));
        let appended = broker.log.append(id, epoch, next, &deltas(next, 1)).await.unwrap();
        assert_eq!(appended.stop, Some(Stop::Cancelled));
    }
    let opened = open(broker, id).await;
    assert_eq!(opened.stop, Some(Stop::Cancelled));

    // Also if it was cancelled before anyone owned it.
    let id = begin(broker).await;
    broker.control.cancel(id).await.unwrap();
    assert_eq!(open(broker, id).await.stop, Some(Stop::Cancelled));
}

/// The owner hears of a cancel live, wherever it is.
pub async fn a_cancel_is_heard(broker: &Broker) {
    let ears = [StopEar::new(), StopEar::new()];
    let mut listening = Vec::new();
    for ear in &ears {
        listening.push(broker.control.listen_stops(Arc::clone(ear) as _).await.unwrap());
    }
    let id = begin(broker).await;
    broker.control.cancel(id).await.unwrap();
    for ear in &ears {
        eventually("the cancel is heard", async || ear.count(id) > 0).await;
    }
}

/// Listening to stops ends with its guard.
pub async fn stops_are_heard_until_the_guard_is_dropped(broker: &Broker) {
    let (stays, leaves) = (StopEar::new(), StopEar::new());
    let _stays = broker.control.listen_stops(Arc::clone(&stays) as _).await.unwrap();
    let listening = broker.control.listen_stops(Arc::clone(&leaves) as _).await.unwrap();
    drop(listening);
    let id = begin(broker).await;
    broker.control.cancel(id).await.unwrap();
    eventually("the cancel is heard", async || stays.count(id) > 0).await;
    assert_eq!(leaves.count(id), 0);
}

/// A stop of a stream that has ended does nothing.
pub async fn what_has_ended_is_not_stopped(broker: &Broker) {
    let id = begin_with(broker, &attended(Duration::ZERO)).await;
    let epoch = open(broker, id).await.epoch;
    let last = broker.log.append(id, epoch, 1, &[completed()]).await.unwrap();
    assert_eq!(last.stop, None);
    broker.control.cancel(id).await.unwrap();
    assert_eq!(stop(broker, id).await, None);
    assert_eq!(broker.log.append(id, epoch, 1, &[completed()]).await.unwrap().stop, None);
}

/// A stop, or the attendance, of a stream that there is not does nothing, and makes none.
pub async fn what_is_not_there_is_not_stopped(broker: &Broker) {
    let id = broker.log.new_id();
    broker.control.cancel(id).await.unwrap();
    broker.control.attend(&[id], &Member::random("gateway"), LONG).await.unwrap();
    assert_eq!(stop(broker, id).await, None);
    assert_eq!(broker.log.header(id).await.unwrap(), None);
    let header = background();
    broker.log.create(id, &header, &deltas(0, 1)).await.unwrap();
    assert_eq!(stop(broker, id).await, None);
}

/// When its grace is over and nobody attends it, a response is abandoned.
pub async fn without_attendance_it_is_abandoned(broker: &Broker) {
    let id = begin_with(broker, &attended(SHORT)).await;
    eventually_abandoned(broker, id).await;
    let opened = open(broker, id).await;
    assert_eq!(opened.stop, Some(Stop::Abandoned));
    let appended = broker.log.append(id, opened.epoch, 1, &deltas(1, 1)).await.unwrap();
    assert_eq!(appended.stop, Some(Stop::Abandoned));
}

/// A response in the background needs nobody.
pub async fn in_the_background_it_is_never_abandoned(broker: &Broker) {
    let id = begin(broker).await;
    broker.control.attend(&[id], &Member::random("gateway"), Duration::ZERO).await.unwrap();
    assert_eq!(stop(broker, id).await, None);
    let epoch = open(broker, id).await.epoch;
    assert_eq!(broker.log.append(id, epoch, 1, &deltas(1, 1)).await.unwrap().stop, None);
}

/// A response is attended as long as any gateway says so; each shortens only its own lease.
pub async fn one_gateway_is_enough(broker: &Broker) {
    let id = begin_with(broker, &attended(Duration::ZERO)).await;
    let [one, other] = [Member::random("gateway"), Member::random("gateway")];
    for gateway in [&one, &other] {
        broker.control.attend(&[id], gateway, LONG).await.unwrap();
    }
    assert_eq!(stop(broker, id).await, None);
    broker.control.attend(&[id], &one, Duration::ZERO).await.unwrap();
    assert_eq!(stop(broker, id).await, None);
    broker.control.attend(&[id], &other, SHORT).await.unwrap();
    eventually_abandoned(broker, id).await;
}

/// An attendance ends by itself, for gateways die, and a subscriber may come back in time.
pub async fn a_lease_of_attendance_runs_out(broker: &Broker) {
    let id = begin_with(broker, &attended(Duration::ZERO)).await;
    let gateway = Member::random("gateway");
    broker.control.attend(&[id], &gateway, SHORT).await.unwrap();
    eventually_abandoned(broker, id).await;
    broker.control.attend(&[id], &gateway, LONG).await.unwrap();
    assert_eq!(stop(broker, id).await, None);
}

/// The grace from the creation on holds, though a gateway came and went.
pub async fn the_grace_outlasts_a_gateway(broker: &Broker) {
    let id = begin_with(broker, &attended(LONG)).await;
    let gateway = Member::random("gateway");
    broker.control.attend(&[id], &gateway, LONG).await.unwrap();
    broker.control.attend(&[id], &gateway, Duration::ZERO).await.unwrap();
    assert_eq!(stop(broker, id).await, None);
}

/// Of two reasons to stop, the cancel is told.
pub async fn a_cancel_wins(broker: &Broker) {
    let id = begin_with(broker, &attended(Duration::ZERO)).await;
    eventually_abandoned(broker, id).await;
    broker.control.cancel(id).await.unwrap();
    assert_eq!(stop(broker, id).await, Some(Stop::Cancelled));
    let opened = open(broker, id).await;
    assert_eq!(opened.stop, Some(Stop::Cancelled));
    let appended = broker.log.append(id, opened.epoch, 1, &deltas(1, 1)).await.unwrap();
    assert_eq!(appended.stop, Some(Stop::Cancelled));
}

/// What is asked of one stream concerns no other.
pub async fn stops_do_not_mix(broker: &Broker) {
    let cancelled = begin_with(broker, &attended(LONG)).await;
    let abandoned = begin_with(broker, &attended(Duration::ZERO)).await;
    let neither = begin_with(broker, &attended(Duration::ZERO)).await;
    let gateway = Member::random("gateway");
    broker.control.attend(&[neither], &gateway, LONG).await.unwrap();
    broker.control.cancel(cancelled).await.unwrap();
    eventually_abandoned(broker, abandoned).await;
    assert_eq!(stop(broker, cancelled).await, Some(Stop::Cancelled));
    assert_eq!(stop(broker, neither).await, None);
}

fn model(name: &str) -> Model {
    Model { name: name.into(), owned_by: "someone".into(), created: 1_790_000_000 }
}

/// A model is in the roster until its announcement has run out.
pub async fn a_model_is_served_while_announced(broker: &Broker) {
    let unique = fresh("model");
    let mut models: Vec<_> =
        ["c", "a {b} \u{1F525}", "b"].iter().map(|name| model(&format!("{unique} {name}"))).collect();
    broker.control.announce(&models, LONG).await.unwrap();
    models.sort();
    let gone = model(&fresh("model"));
    broker.control.announce(std::slice::from_ref(&gone), SHORT).await.unwrap();
    eventually("the short announcement runs out", async || {
        !broker.control.models().await.unwrap().contains(&gone)
    })
    .await;
    let roster = broker.control.models().await.unwrap();
    assert!(roster.is_sorted_by(|a, b| a.name <= b.name), "the roster is in the order of names");
    let served: Vec<_> = roster.into_iter().filter(|model| model.name.starts_with(&unique)).collect();
    assert_eq!(served, models);
}

/// Of several workers that announce a model, the last to leave counts.
pub async fn the_longest_announcement_counts(broker: &Broker) {
    let [model, witness] = [model(&fresh("model")), model(&fresh("model"))];
    broker.control.announce(std::slice::from_ref(&model), LONG).await.unwrap();
    broker.control.announce(&[model.clone(), witness.clone()], SHORT).await.unwrap();
    eventually("the short announcement runs out", async || {
        !broker.control.models().await.unwrap().contains(&witness)
    })
    .await;
    assert!(broker.control.models().await.unwrap().contains(&model));
}
