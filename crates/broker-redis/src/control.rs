//! Stops, attendance and the roster of models.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{Control, Error, Listening, Member, Model, Stop, StopListener};
use stream::ResponseId;

use crate::{
    client::Client,
    error::unreadable,
    live::Live,
    scripts::{self, millis, stop_named},
};

/// What concerns one stream is kept with the stream, so that an append can answer it in the same step.
pub(crate) struct RedisControl {
    client: Client,
    live: Arc<Live>,
}

impl RedisControl {
    pub(crate) fn new(client: Client, live: Arc<Live>) -> Self {
        Self { client, live }
    }
}

#[async_trait]
impl Control for RedisControl {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        let keys = &self.client.keys;
        let call = scripts::CANCEL.call([keys.meta(id)]).arg(keys.stops()).arg(id.to_string());
        self.client.run(&call).await
    }

    async fn stop_requested(&self, id: ResponseId) -> Result<Option<Stop>, Error> {
        let stop: String = self.client.run(&scripts::STOP.call([self.client.keys.meta(id)])).await?;
        Ok(stop_named(&stop))
    }

    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        self.live.listen_stops(listener).await
    }

    async fn attend(&self, id: ResponseId, gateway: &Member, lease: Duration) -> Result<(), Error> {
        let call = scripts::ATTEND.call([self.client.keys.meta(id)]).arg(gateway.as_str()).arg(millis(lease));
        self.client.run(&call).await
    }

    async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        let mut call = scripts::ANNOUNCE.call([self.client.keys.roster()]).arg(millis(lease).max(1));
        for model in models {
            call = call.arg(serde_json::to_vec(model).map_err(unreadable)?);
        }
        self.client.run(&call).await
    }

    async fn models(&self) -> Result<Vec<Model>, Error> {
        let kept: Vec<Vec<u8>> = self.client.run(&scripts::MODELS.call([self.client.keys.roster()])).await?;
        // Workers that disagree about a model leave one entry each: the one that lasts longest counts. What cannot be
        // read was announced by a later version, which tells old readers nothing.
        let models = kept.iter().filter_map(|json| serde_json::from_slice::<Model>(json).ok());
        let by_name: BTreeMap<_, _> = models.map(|model| (model.name.clone(), model)).collect();
        Ok(by_name.into_values().collect())
    }
}
