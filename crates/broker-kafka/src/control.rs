//! Stops and attendance, which are entries of the stream that they concern, and the roster.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{Control, Error, Listening, Member, Model, Stop, StopListener};
use futures_util::future::join_all;
use proto::kafka::{Ask, Attend, Cancel};
use stream::ResponseId;

use crate::{events::Events, log::millis, roster::Roster};

/// Stops, attendance and the roster on Kafka.
pub(crate) struct KafkaControl {
    events: Arc<Events>,
    roster: Roster,
}

impl KafkaControl {
    pub(crate) const fn new(events: Arc<Events>, roster: Roster) -> Self {
        Self { events, roster }
    }
}

#[async_trait]
impl Control for KafkaControl {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        self.events.ask(id, Ask::Cancel(Cancel {})).await.map(drop)
    }

    /// As far as this process has read: who owns a stream asks again and again, and hears of a cancel in the meantime.
    async fn stops_requested(&self, ids: &[ResponseId]) -> Result<Vec<Option<Stop>>, Error> {
        let now = self.events.shared.clock.now();
        let mut stops = Vec::with_capacity(ids.len());
        for id in ids {
            stops.push(self.events.glance(*id, |life| life.stop(now)).await?.flatten());
        }
        Ok(stops)
    }

    /// A process hears of the cancels of those streams whose state it has, and whoever owns a stream has it.
    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        Ok(self.events.shared.stops.listen(listener))
    }

    async fn attend(&self, ids: &[ResponseId], gateway: &Member, lease: Duration) -> Result<(), Error> {
        let attend = Attend { gateway: gateway.to_string(), lease_ms: millis(lease) };
        let asks = ids.iter().map(|id| self.events.ask(*id, Ask::Attend(attend.clone())));
        // Each of them, whatever becomes of the others.
        join_all(asks).await.into_iter().try_for_each(|answer| answer.map(drop))
    }

    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        self.roster.announce(models, lease).await
    }

    async fn models(&self) -> Result<Vec<Model>, Error> {
        self.roster.models().await
    }
}
