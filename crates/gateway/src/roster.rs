//! Which models there are: a copy of the workers' announcements, so that an unknown model is refused without a question.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use broker::{Control, Model};
use protocol::ApiError;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::continuation::unavailable;

const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// A model that is not known is asked for at the broker, but no more often than this.
const MIN_AGE: Duration = Duration::from_millis(200);

/// The models that workers serve. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Roster {
    control: Arc<dyn Control>,
    models: Arc<ArcSwap<Vec<Model>>>,
    refreshed: Arc<Mutex<Option<Refresh>>>,
}

/// When the broker was last asked, and whether it answered.
#[derive(Clone, Copy)]
struct Refresh {
    at: Instant,
    was_read: bool,
}

impl Roster {
    pub(crate) fn new(control: Arc<dyn Control>) -> Self {
        Self { control, models: Arc::default(), refreshed: Arc::default() }
    }

    /// The models, by name.
    pub(crate) async fn models(&self) -> Arc<Vec<Model>> {
        self.refresh(None).await;
        self.models.load_full()
    }

    /// The model with this name.
    ///
    /// # Errors
    /// When no worker serves it, or when that cannot be told at the moment.
    pub(crate) async fn find(&self, name: &str) -> Result<Model, ApiError> {
        let find = || self.models.load().iter().find(|model| model.name == name).cloned();
        if let Some(model) = find() {
            return Ok(model);
        }
        // Only what was read after the question can say no: a worker may have come just now.
        let was_read = self.refresh(Some(Instant::now())).await;
        match find() {
            Some(model) => Ok(model),
            None if was_read => Err(ApiError::model_not_found(name)),
            None => Err(unavailable(broker::Error::unavailable("the roster could not be read"))),
        }
    }

    /// Refreshes the copy until `done`.
    pub(crate) async fn keep(self, done: CancellationToken) {
        let mut ticks = tokio::time::interval(REFRESH_INTERVAL);
        while done.run_until_cancelled(ticks.tick()).await.is_some() {
            self.refresh(None).await;
        }
    }

    /// One refresh at a time; whoever waited for another's takes its result. One that is not `since` the given time is
    /// not good enough, and is waited out. Whether the broker answered.
    async fn refresh(&self, since: Option<Instant>) -> bool {
        let mut refreshed = self.refreshed.lock().await;
        if let Some(Refresh { at, was_read }) = *refreshed {
            match since {
                Some(since) if at < since => tokio::time::sleep_until(at + MIN_AGE).await,
                None if at.elapsed() >= MIN_AGE => {}
                _ => return was_read,
            }
        }
        // The answer tells of the time of the question at best: a worker may have come while it was on the way.
        let at = Instant::now();
        let read = self.control.models().await;
        let was_read = read.is_ok();
        match read {
            // A roster that cannot be read is no reason to forget what was known.
            Err(error) => tracing::warn!(%error, "failed to read the roster of models"),
            Ok(models) => self.models.store(Arc::new(models)),
        }
        *refreshed = Some(Refresh { at, was_read });
        was_read
    }
}

#[cfg(test)]
mod tests;
