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
    refreshed: Arc<Mutex<Refreshed>>,
}

/// How the latest look at the broker went.
#[derive(Default)]
struct Refreshed {
    at: Option<Instant>,
    outcome: Outcome,
    /// Whether any look was answered, so that there is a copy at all.
    is_known: bool,
}

/// What a look at the broker came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Outcome {
    #[default]
    Unanswered,
    Answered,
}

impl Roster {
    pub(crate) fn new(control: Arc<dyn Control>) -> Self {
        Self { control, models: Arc::default(), refreshed: Arc::default() }
    }

    /// The models, by name.
    ///
    /// # Errors
    /// When the broker was never reached, so that nothing is known.
    pub(crate) async fn models(&self) -> Result<Arc<Vec<Model>>, broker::Error> {
        self.refresh(None).await;
        if self.refreshed.lock().await.is_known { Ok(self.models.load_full()) } else { Err(unread()) }
    }

    /// The model with this name, if workers serve it.
    ///
    /// # Errors
    /// When it is not known, and the broker cannot be asked.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Model>, broker::Error> {
        let find = || self.models.load().iter().find(|model| model.name == name).cloned();
        if let Some(model) = find() {
            return Ok(Some(model));
        }
        // Only what was read after the question can say no: a worker may have come just now.
        let outcome = self.refresh(Some(Instant::now())).await;
        match (find(), outcome) {
            (None, Outcome::Unanswered) => Err(unread()),
            (found, _) => Ok(found),
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
    /// not good enough, and is waited out.
    async fn refresh(&self, since: Option<Instant>) -> Outcome {
        let mut refreshed = self.refreshed.lock().await;
        if let Some(at) = refreshed.at {
            match since {
                Some(since) if at < since => tokio::time::sleep_until(at + MIN_AGE).await,
                None if at.elapsed() >= MIN_AGE => {}
                _ => return refreshed.outcome,
            }
        }
        // The answer tells of the time of the question at best: a worker may have come while it was on the way.
        let at = Instant::now();
        refreshed.outcome = match self.control.models().await {
            // A roster that cannot be read is no reason to forget what was known.
            Err(error) => {
                tracing::warn!(%error, "failed to read the roster of models");
                Outcome::Unanswered
            }
            Ok(models) => {
                self.models.store(Arc::new(models));
                refreshed.is_known = true;
                Outcome::Answered
            }
        };
        refreshed.at = Some(at);
        refreshed.outcome
    }
}

fn unread() -> broker::Error {
    broker::Error::unavailable("the roster of models could not be read")
}

#[cfg(test)]
mod tests;
