//! Claiming jobs, and the worker's life: build, run, drain.

use std::{fmt, sync::Arc, time::Duration};

use broker::{Broker, Claim, Listening, Member, Model};
use engine::Engine;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config, Metrics, ModelConfig,
    produce::{Done, produce},
    running::{self, Interrupt, Running},
};

/// How long one request for jobs waits at the broker. Also how late a drain is noticed there.
const CLAIM_WAIT: Duration = Duration::from_secs(1);

/// How long a model stays known after the last worker that serves it has gone: jobs may wait for the next one.
const ANNOUNCEMENT: Duration = Duration::from_secs(60);

/// A model and the engine that serves it.
#[derive(Clone)]
pub struct Served {
    /// How to serve it.
    pub config: ModelConfig,
    /// By what.
    pub engine: Arc<dyn Engine>,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What all of a worker's tasks share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) broker: Broker,
    pub(crate) member: Member,
    pub(crate) metrics: Metrics,
    pub(crate) running: Running,
}

/// A worker, ready to run.
pub struct Worker {
    shared: Arc<Shared>,
    served: Vec<Arc<Served>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("member", &self.shared.member).field("served", &self.served).finish()
    }
}

impl Worker {
    /// A worker that serves these models.
    pub fn build(
        config: Config,
        served: Vec<Served>,
        broker: Broker,
        member: Member,
        metrics: Metrics,
    ) -> Self {
        let running = Running::default();
        let shared = Arc::new(Shared { config, broker, member, metrics, running });
        Self { shared, served: served.into_iter().map(Arc::new).collect() }
    }

    /// Works until `drain` is cancelled; then takes nothing new, gives what runs the drain time, and hands over the rest.
    ///
    /// # Errors
    /// When the broker cannot be asked to tell of cancels at the start.
    pub async fn run(self, drain: CancellationToken) -> Result<(), broker::Error> {
        let Self { shared, served } = self;
        let _listening = listen(&shared).await?;
        let tasks = TaskTracker::new();
        let done = CancellationToken::new();
        let lease = shared.config.lease;
        tasks.spawn(running::keep(
            shared.running.clone(),
            shared.broker.clone(),
            shared.member.clone(),
            lease / 3,
            done.clone(),
        ));
        tasks.spawn(announce(Arc::clone(&shared), served.clone(), drain.clone()));

        let jobs = TaskTracker::new();
        for served in served {
            tasks.spawn(claim_jobs(Arc::clone(&shared), served, jobs.clone(), drain.clone()));
        }
        drain.cancelled().await;
        jobs.close();
        if tokio::time::timeout(shared.config.drain_timeout, jobs.wait()).await.is_err() {
            tracing::info!("the drain time is over: handing over what still runs");
            shared.running.interrupt_all(Interrupt::HandOver);
            jobs.wait().await;
        }
        done.cancel();
        tasks.close();
        tasks.wait().await;
        Ok(())
    }
}

async fn listen(shared: &Shared) -> Result<Listening, broker::Error> {
    shared.broker.control.listen_stops(Arc::new(shared.running.clone())).await
}

/// Says again and again which models are served here.
async fn announce(shared: Arc<Shared>, served: Vec<Arc<Served>>, drain: CancellationToken) {
    let models: Vec<_> = served
        .iter()
        .map(|served| Model { name: served.config.name.clone(), owned_by: "narthex".to_owned(), created: 0 })
        .collect();
    let mut ticks = tokio::time::interval(ANNOUNCEMENT / 12);
    while drain.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = shared.broker.control.announce(&models, ANNOUNCEMENT).await {
            tracing::warn!(%error, "failed to announce models");
        }
    }
}

/// Claims jobs of one model whenever there is room for one.
async fn claim_jobs(shared: Arc<Shared>, served: Arc<Served>, jobs: TaskTracker, drain: CancellationToken) {
    let room = Arc::new(Semaphore::new(served.config.concurrency));
    let mut backoff = Duration::from_millis(100);
    while !drain.is_cancelled() {
        let Some(Ok(first)) = drain.run_until_cancelled(Arc::clone(&room).acquire_owned()).await else {
            return;
        };
        let max = 1 + room.available_permits().min(15);
        let Shared { config, broker, member, .. } = &*shared;
        // Not cut short by the drain: a job that the broker has handed out already would wait for its lease to run out.
        match broker.jobs.claim(&served.config.name, member, max, CLAIM_WAIT, config.lease).await {
            Ok(claims) => {
                backoff = Duration::from_millis(100);
                let mut permit = Some(first);
                for claim in claims {
                    let permit = permit.take().or_else(|| Arc::clone(&room).try_acquire_owned().ok());
                    begin(&shared, &served, claim, permit, &jobs);
                }
            }
            Err(error) => {
                tracing::warn!(model = served.config.name, %error, "failed to claim jobs, trying again");
                drain.run_until_cancelled(tokio::time::sleep(backoff)).await;
                backoff = (backoff * 2).min(Duration::from_secs(2));
            }
        }
    }
}

fn begin(
    shared: &Arc<Shared>,
    served: &Arc<Served>,
    claim: Claim,
    permit: Option<OwnedSemaphorePermit>,
    jobs: &TaskTracker,
) {
    let Some(place) = shared.running.enter(claim.job.id, claim.ticket.clone()) else { return };
    let (shared, served) = (Arc::clone(shared), Arc::clone(served));
    jobs.spawn(async move {
        let done = produce(&shared, &served, &claim, place).await;
        settle(&shared, &claim, done).await;
        drop(permit);
    });
}

/// Tells the queue what became of a claim. If that fails the lease runs out, and the next worker finds the response ended.
async fn settle(shared: &Shared, claim: &Claim, done: Done) {
    let jobs = &shared.broker.jobs;
    let result = match done {
        Done::Finished => jobs.finish(&claim.ticket).await,
        Done::Buried => jobs.bury(&claim.ticket, "too many attempts, or unreadable").await,
        Done::GiveBack | Done::Lost => jobs.release(&shared.member, &claim.ticket).await,
        Done::Lapse => Ok(()),
    };
    if let Err(error) = result {
        tracing::warn!(response = %claim.job.id, %error, "failed to settle a job");
    }
}
