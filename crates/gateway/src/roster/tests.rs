use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use broker::{Broker, Control, Error, Listening, Member, Model, Stop, StopListener};
use stream::ResponseId;

use super::Roster;

const LEASE: Duration = Duration::from_secs(60);

/// A broker that can be out of reach, and is a second away.
struct Away {
    inner: Arc<dyn Control>,
    is_away: AtomicBool,
}

#[async_trait]
impl Control for Away {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        self.inner.cancel(id).await
    }

    async fn stops_requested(&self, ids: &[ResponseId]) -> Result<Vec<Option<Stop>>, Error> {
        self.inner.stops_requested(ids).await
    }

    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        self.inner.listen_stops(listener).await
    }

    async fn attend(&self, ids: &[ResponseId], gateway: &Member, lease: Duration) -> Result<(), Error> {
        self.inner.attend(ids, gateway, lease).await
    }

    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        self.inner.announce(models, lease).await
    }

    async fn models(&self) -> Result<Vec<Model>, Error> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::unavailable("away"));
        }
        let models = self.inner.models().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        models
    }
}

async fn scene() -> (Arc<Away>, Roster) {
    let Broker { control, .. } = broker::memory::broker();
    let served = Model { name: "served".to_owned(), owned_by: String::new(), created: 0 };
    control.announce(&[served], LEASE).await.unwrap();
    let away = Arc::new(Away { inner: control, is_away: AtomicBool::new(true) });
    (Arc::clone(&away), Roster::new(away))
}

#[tokio::test(start_paused = true)]
async fn a_roster_that_was_never_read_says_of_no_model_that_it_is_not_there() {
    let (broker, roster) = scene().await;
    assert!(roster.find("served").await.is_err());
    assert!(roster.models().await.is_err());
    tokio::time::advance(Duration::from_secs(1)).await;
    broker.is_away.store(false, Ordering::Relaxed);
    assert!(roster.find("served").await.unwrap().is_some());
    assert!(roster.find("another").await.unwrap().is_none());
    assert_eq!(roster.models().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_read_counts_while_the_broker_is_away() {
    let (broker, roster) = scene().await;
    broker.is_away.store(false, Ordering::Relaxed);
    assert!(roster.find("served").await.unwrap().is_some());
    broker.is_away.store(true, Ordering::Relaxed);
    tokio::time::advance(LEASE).await;
    assert!(roster.find("served").await.unwrap().is_some());
    assert_eq!(roster.models().await.unwrap().len(), 1);
    // It may have come since.
    assert!(roster.find("another").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_on_the_way_says_nothing_of_a_worker_that_came_meanwhile() {
    let (broker, roster) = scene().await;
    broker.is_away.store(false, Ordering::Relaxed);
    let mut first = std::pin::pin!(roster.models());
    assert!(futures_util::poll!(&mut first).is_pending());
    let late = Model { name: "late".to_owned(), owned_by: String::new(), created: 0 };
    broker.announce(&[late], LEASE).await.unwrap();
    tokio::time::advance(Duration::from_millis(1)).await;
    let (_, found) = tokio::join!(first, roster.find("late"));
    assert!(found.unwrap().is_some());
}
