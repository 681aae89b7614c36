//! Which models there are: a copy of the workers' announcements, so that an unknown model is refused without a question.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use broker::{Control, Model};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const REFRESH_INTERVAL: Duration = Duration::from_secs(5);

/// A model that is not known is asked for at the broker, but no more often than this.
const MIN_AGE: Duration = Duration::from_millis(200);

/// The models that workers serve. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Roster {
    control: Arc<dyn Control>,
    models: Arc<ArcSwap<Vec<Model>>>,
    refreshed: Arc<Mutex<Option<Instant>>>,
}

impl Roster {
    pub(crate) fn new(control: Arc<dyn Control>) -> Self {
        Self { control, models: Arc::default(), refreshed: Arc::default() }
    }

    /// The models, by name.
    pub(crate) async fn models(&self) -> Arc<Vec<Model>> {
        self.refresh().await;
        self.models.load_full()
    }

    /// The model with this name, if workers serve it.
    pub(crate) async fn find(&self, name: &str) -> Option<Model> {
        let find = || self.models.load().iter().find(|model| model.name == name).cloned();
        if let Some(model) = find() {
            return Some(model);
        }
        self.refresh().await;
        find()
    }

    /// Refreshes the copy until `done`.
    pub(crate) async fn keep(self, done: CancellationToken) {
        let mut ticks = tokio::time::interval(REFRESH_INTERVAL);
        while done.run_until_cancelled(ticks.tick()).await.is_some() {
            self.refresh().await;
        }
    }

    /// One refresh at a time; whoever waited for another's takes its result.
    async fn refresh(&self) {
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_some_and(|at| at.elapsed() < MIN_AGE) {
            return;
        }
        match self.control.models().await {
            // A roster that cannot be read is no reason to forget what was known.
            Err(error) => tracing::warn!(%error, "failed to read the roster of models"),
            Ok(models) => self.models.store(Arc::new(models)),
        }
        *refreshed = Some(Instant::now());
    }
}
