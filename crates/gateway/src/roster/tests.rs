//! What is said of a model depends on what the broker says of it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use broker::{Error, Listening, Member, Stop, StopListener};
use stream::ResponseId;

use super::*;

/// A broker that can be away, and one second far.
struct Away {
    control: Arc<dyn Control>,
    is_away: AtomicBool,
}

fn roster(is_away: bool) -> (Arc<Away>, Roster) {
    let control = broker::memory::broker().control;
    let away = Arc::new(Away { control, is_away: AtomicBool::new(is_away) });
    (Arc::clone(&away), Roster::new(away))
}

async fn announce(broker: &Away) {
    let model = Model { name: "known".to_owned(), owned_by: String::new(), created: 0 };
    broker.announce(&[model], Duration::from_secs(60)).await.unwrap();
}

#[async_trait]
impl Control for Away {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        self.control.cancel(id).await
    }

    async fn stop_requested(&self, id: ResponseId) -> Result<Option<Stop>, Error> {
        self.control.stop_requested(id).await
    }

    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        self.control.listen_stops(listener).await
    }

    async fn attend(&self, id: ResponseId, gateway: &Member, lease: Duration) -> Result<(), Error> {
        self.control.attend(id, gateway, lease).await
    }

    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        self.control.announce(models, lease).await
    }

    async fn models(&self) -> Result<Vec<Model>, Error> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Error::unavailable("away"));
        }
        let models = self.control.models().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        models
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_is_unknown_only_if_the_broker_says_so() {
    let (away, roster) = roster(true);
    announce(&away).await;
    let code = async |name| {
        tokio::time::advance(MIN_AGE).await;
        roster.find(name).await.err().and_then(|error| error.code)
    };
    assert_eq!(code("known").await.as_deref(), Some("broker_unavailable"));
    away.is_away.store(false, Ordering::Relaxed);
    assert_eq!(code("unknown").await.as_deref(), Some("model_not_found"));
    assert_eq!(code("known").await, None);
    // What was known once is not forgotten.
    away.is_away.store(true, Ordering::Relaxed);
    assert_eq!(code("known").await, None);
    assert_eq!(code("unknown").await.as_deref(), Some("broker_unavailable"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_on_the_way_says_nothing_of_a_worker_that_came_meanwhile() {
    let (broker, roster) = roster(false);
    let mut first = std::pin::pin!(roster.models());
    assert!(futures_util::poll!(&mut first).is_pending());
    announce(&broker).await;
    tokio::time::advance(Duration::from_millis(1)).await;
    let (_, found) = tokio::join!(first, roster.find("known"));
    assert!(found.is_ok());
}
