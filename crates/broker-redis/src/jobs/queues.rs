//! Which models have had jobs.
//!
//! The queues of a cluster are on all of its nodes, and looking for them would mean to look at every key. So whoever
//! puts a job into a queue notes its model in one place, now and then: what was lost with a server's memory is there
//! again a minute later.

use std::{collections::HashMap, time::Duration};

use broker::Error;
use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::warn;

use super::DEAD_TTL;
use crate::{
    client::Client,
    scripts::{self, millis},
};

/// How often a model is noted at most by one process. It is also how long what a server lost is missed.
const NOTE_INTERVAL: Duration = Duration::from_secs(60);

/// The models that had jobs, for as long as their dead ones are kept.
pub(super) struct Queues {
    client: Client,
    /// When this process noted a model last. Bounded: with each note, those that are due again leave.
    noted: Mutex<HashMap<String, Instant>>,
}

impl Queues {
    pub(super) fn new(client: Client) -> Self {
        Self { client, noted: Mutex::default() }
    }

    /// Notes that `model` has a queue, unless this process did so just now. That it fails harms no job: people see this
    /// queue later.
    pub(super) async fn note(&self, model: &str) {
        if self.noted.lock().get(model).is_some_and(|at| at.elapsed() < NOTE_INTERVAL) {
            return;
        }
        let call = scripts::ANNOUNCE.call([self.client.keys.queues()]).arg(millis(DEAD_TTL)).arg(model);
        if let Err(error) = self.client.run::<()>(&call).await {
            warn!(model, %error, "failed to note that a model has a queue");
            return;
        }
        let mut noted = self.noted.lock();
        noted.retain(|_, at| at.elapsed() < NOTE_INTERVAL);
        noted.insert(model.to_owned(), Instant::now());
    }

    /// The models, by name.
    pub(super) async fn models(&self) -> Result<Vec<String>, Error> {
        let mut models: Vec<String> =
            self.client.run(&scripts::MODELS.call([self.client.keys.queues()])).await?;
        models.sort();
        Ok(models)
    }
}
