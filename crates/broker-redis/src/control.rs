//! Stops, attendance and the roster of models.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{Control, Error, Listening, Member, Model, Stop, StopListener};
use futures_util::future::try_join_all;
use stream::ResponseId;

use crate::{
    client::Client,
    error::{from_script, is_split, unreadable},
    live::Live,
    scripts::{self, Call, Script, millis, stop_named},
};

/// How many streams one call asks about: the server does nothing else meanwhile.
const STREAMS_AT_ONCE: usize = 128;

/// How many calls are under way at once.
const CALLS_AT_ONCE: usize = 16;

/// What concerns one stream is kept with the stream, so that an append can answer it in the same step.
pub(crate) struct RedisControl {
    client: Client,
    live: Arc<Live>,
}

impl RedisControl {
    pub(crate) fn new(client: Client, live: Arc<Live>) -> Self {
        Self { client, live }
    }

    /// What `script`, with `arguments`, answers about each of these streams: many in one call, of one partition each, unless
    /// that is moving.
    async fn of_each(
        &self,
        ids: &[ResponseId],
        arguments: impl Fn(Call) -> Call,
        script: &'static Script,
    ) -> Result<Vec<String>, Error> {
        let mut places: Vec<usize> = (0..ids.len()).collect();
        places.sort_by_key(|place| ids[*place].partition());
        let partitions = places.chunk_by(|one, other| ids[*one].partition() == ids[*other].partition());
        let calls: Vec<&[usize]> = partitions.flat_map(|places| places.chunks(STREAMS_AT_ONCE)).collect();
        let mut answers = vec![String::new(); ids.len()];
        for calls in calls.chunks(CALLS_AT_ONCE) {
            let asked = calls.iter().map(async |places| {
                let of = |places: &[usize]| {
                    arguments(script.call(places.iter().map(|place| self.client.keys.meta(ids[*place]))))
                };
                match self.client.run::<Vec<String>>(&of(places)).await {
                    Err(error) if is_split(&error) => {
                        let alone = places
                            .chunks(1)
                            .map(|place| async move { self.client.run::<Vec<String>>(&of(place)).await });
                        try_join_all(alone).await.map(|answers| answers.concat())
                    }
                    answers => answers,
                }
            });
            for (places, told) in calls.iter().zip(try_join_all(asked).await?) {
                for (place, answer) in places.iter().zip(told) {
                    answers[*place] = answer;
                }
            }
        }
        Ok(answers)
    }
}

#[async_trait]
impl Control for RedisControl {
    async fn cancel(&self, id: ResponseId) -> Result<(), Error> {
        let keys = &self.client.keys;
        let call = scripts::CANCEL.call([keys.meta(id)]).arg(keys.stops()).arg(id.to_string());
        self.client.run(&call).await
    }

    async fn stops_requested(&self, ids: &[ResponseId]) -> Result<Vec<Option<Stop>>, Error> {
        let stops: Vec<String> = self.of_each(ids, |call| call, &scripts::STOP).await?;
        Ok(stops.iter().map(|stop| stop_named(stop)).collect())
    }

    async fn listen_stops(&self, listener: Arc<dyn StopListener>) -> Result<Listening, Error> {
        self.live.listen_stops(listener).await
    }

    async fn attend(&self, ids: &[ResponseId], gateway: &Member, lease: Duration) -> Result<(), Error> {
        let lease = millis(lease);
        let told: Vec<String> =
            self.of_each(ids, |call| call.arg(gateway.as_str()).arg(lease), &scripts::ATTEND).await?;
        told.iter().find(|told| !told.is_empty()).map_or(Ok(()), |told| Err(from_script(told)))
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
