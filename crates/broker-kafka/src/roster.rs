//! Which models there are: announcements in a topic of one partition, which everyone reads from its beginning.
//!
//! An announcement is repeated as long as it holds, and the topic keeps an hour of them.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use broker::{Error, Model, rules::later};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Clock,
    log::millis,
    message::Message,
    requests::Place,
    streams::Shared,
    tails::{Sink, Start, Tail, Tails},
    writer::Writer,
};

/// The models that are announced, each until its last announcement has run out.
#[derive(Debug, Default)]
pub(crate) struct Announced(Mutex<BTreeMap<String, (Model, SystemTime)>>);

#[derive(Serialize, Deserialize)]
struct Announcement {
    models: Vec<Model>,
    lease_ms: u64,
}

/// The roster of models.
pub(crate) struct Roster {
    pub(crate) topic: Arc<str>,
    pub(crate) announced: Arc<Announced>,
    pub(crate) tail: Arc<Tail>,
    pub(crate) tails: Arc<Tails>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) shared: Arc<Shared>,
}

impl Roster {
    /// Reads all that was announced.
    pub(crate) async fn follow(&self) -> Result<(), Error> {
        self.tails.follow(&self.tail, Start::Beginning).await
    }

    pub(crate) async fn announce(&self, models: &[Model], lease: Duration) -> Result<(), Error> {
        let announcement = Announcement { models: models.to_vec(), lease_ms: millis(lease) };
        let payload = serde_json::to_vec(&announcement).map_err(Error::refused)?;
        self.writer.write(&Place { topic: &self.topic, partition: 0, key: &[] }, &payload).await
    }

    pub(crate) async fn models(&self) -> Result<Vec<Model>, Error> {
        self.tails.catch_up(&self.tail).await?;
        Ok(self.announced.models(&self.shared.clock))
    }
}

impl Announced {
    fn models(&self, clock: &Clock) -> Vec<Model> {
        let (now, announced) = (clock.now(), self.0.lock());
        announced.values().filter(|(_, until)| *until > now).map(|(model, _)| model.clone()).collect()
    }
}

impl Sink for Announced {
    fn begin(&self, _next: i64) {}

    fn take(&self, message: Message) {
        let Ok(Announcement { models, lease_ms }) = serde_json::from_slice(&message.payload) else {
            tracing::warn!(offset = message.offset, "an announcement that cannot be read");
            return;
        };
        let until = later(message.at, Duration::from_millis(lease_ms));
        let mut announced = self.0.lock();
        announced.retain(|_, (_, until)| *until > message.at);
        for model in models {
            // Another worker may have announced it for longer.
            let known = announced.get(&model.name).map_or(until, |(_, known)| until.max(*known));
            announced.insert(model.name.clone(), (model, known));
        }
    }

    fn lose(&self, _next: i64) {}

    fn sweep(&self) {}

    fn is_needed(&self) -> bool {
        true
    }
}
