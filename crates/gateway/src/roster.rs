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
        self.refresh(None).await;
        self.models.load_full()
    }

    /// The model with this name, if workers serve it.
    pub(crate) async fn find(&self, name: &str) -> Option<Model> {
        let find = || self.models.load().iter().find(|model| model.name == name).cloned();
        if let Some(model) = find() {
            return Some(model);
        }
        // Only what was read after the question can say no: a worker may have come just now.
        self.refresh(Some(Instant::now())).await;
        find()
    }

    /// Refreshes the copy until `done`.
    pub(crate) async fn keep(self, done: CancellationToken) {
        let mut ticks = tokio::time::interval(REFRESH_INTERVAL);
        while done.run_until_cancelled(ticks.tick()).await.is_some() {
            self.refresh(None).await;
        }
    }

    /// One refresh at a time; whoever waited for another's takes its result. One that is not `since` the given time is
    /// not good enough, and is waited out.
    async fn refresh(&self, since: Option<Instant>) {
        let mut refreshed = self.refreshed.lock().await;
        if let Some(at) = *refreshed {
            match since {
                Some(since) if at < since => tokio::time::sleep_until(at + MIN_AGE).await,
                None if at.elapsed() >= MIN_AGE => {}
                _ => return,
            }
        }
        match self.control.models().await {
            // A roster that cannot be read is no reason to forget what was known.
            Err(error) => tracing::warn!(%error, "failed to read the roster of models"),
            Ok(models) => self.models.store(Arc::new(models)),
        }
        *refreshed = Some(Instant::now());
    }
}
