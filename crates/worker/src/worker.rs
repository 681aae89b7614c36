//! Claiming jobs, and the worker's life: build, run, drain.

use std::{fmt, sync::Arc, time::Duration};

use broker::{Broker, Claim, Listening, Member, Model};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config, Metrics, Served,
    pool::{Pool, Slot},
    produce::{Done, produce},
    running::{self, Interrupt, Running},
    spans::trace_id,
};

/// How long one request for jobs waits at the broker. Also how late a drain is noticed there.
const CLAIM_WAIT: Duration = Duration::from_secs(1);

/// How long a model stays known after the last worker that serves it has gone: jobs may wait for the next one.
const ANNOUNCEMENT: Duration = Duration::from_secs(60);

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
    servers: Servers,
    added: mpsc::Receiver<Served>,
}

/// Gives a worker more to serve while it runs. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Servers(mpsc::Sender<Served>);

impl Servers {
    /// Adds a model, or one more server of a model that is served already. Does nothing to a worker that has ended.
    pub async fn add(&self, served: Served) {
        // A worker that has ended serves nothing.
        let _ = self.0.send(served).await;
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("member", &self.shared.member).finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker that serves nothing yet: see [`servers`](Self::servers).
    pub fn build(config: Config, broker: Broker, member: Member, metrics: Metrics) -> Self {
        let running = Running::default();
        let shared = Arc::new(Shared { config, broker, member, metrics, running });
        let (servers, added) = mpsc::channel(1);
        Self { shared, servers: Servers(servers), added }
    }

    /// By which it is told what to serve. What has the same name is one model at several servers: responses go to the one
    /// with the most room, and from one that fails to another.
    pub fn servers(&self) -> Servers {
        self.servers.clone()
    }

    /// Works until `drain` is cancelled; then takes nothing new, gives what runs the drain time, and hands over the rest.
    ///
    /// # Errors
    /// When the broker cannot be asked to tell of cancels at the start.
    pub async fn run(self, drain: CancellationToken) -> Result<(), broker::Error> {
        let Self { shared, servers: _servers, mut added } = self;
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
        let pools = watch::Sender::new(Vec::new());
        tasks.spawn(announce(Arc::clone(&shared), pools.subscribe(), drain.clone()));

        let jobs = TaskTracker::new();
        while let Some(Some(served)) = drain.run_until_cancelled(added.recv()).await {
            if let Some(pool) = add(&pools, served) {
                shared.metrics.serves(&pool);
                tasks.spawn(claim_jobs(Arc::clone(&shared), pool, jobs.clone(), drain.clone()));
            }
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

/// Adds a server to its model's pool. The pool, if there was none.
fn add(pools: &watch::Sender<Vec<Arc<Pool>>>, served: Served) -> Option<Arc<Pool>> {
    let name = &served.config.name;
    let known = pools.borrow().iter().find(|pool| pool.model() == name).cloned();
    if let Some(pool) = known {
        pool.add(served);
        return None;
    }
    let pool = Arc::new(Pool::new(name.clone()));
    pool.add(served);
    pools.send_modify(|pools| pools.push(Arc::clone(&pool)));
    Some(pool)
}

async fn listen(shared: &Shared) -> Result<Listening, broker::Error> {
    shared.broker.control.listen_stops(Arc::new(shared.running.clone())).await
}

/// Says again and again which models are served here, and at once when there are more.
async fn announce(shared: Arc<Shared>, mut pools: watch::Receiver<Vec<Arc<Pool>>>, drain: CancellationToken) {
    let mut ticks = tokio::time::interval(ANNOUNCEMENT / 12);
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            _ = ticks.tick() => {}
            changed = pools.changed() => if changed.is_err() { return },
        }
        let model = |pool: &Arc<Pool>| Model {
            name: pool.model().to_owned(),
            owned_by: "narthex".to_owned(),
            created: 0,
        };
        let models: Vec<_> = pools.borrow_and_update().iter().map(model).collect();
        if !models.is_empty()
            && let Err(error) = shared.broker.control.announce(&models, ANNOUNCEMENT).await
        {
            tracing::warn!(%error, "failed to announce models");
        }
    }
}

/// Claims jobs of one model whenever there is room for one at a server that answers.
async fn claim_jobs(shared: Arc<Shared>, pool: Arc<Pool>, jobs: TaskTracker, drain: CancellationToken) {
    let mut backoff = Duration::from_millis(100);
    while !drain.is_cancelled() {
        let Some(room) = drain.run_until_cancelled(pool.room()).await else { return };
        let Shared { config, broker, member, .. } = &*shared;
        let asked = Instant::now();
        // Not cut short by the drain: a job that the broker has handed out already would wait for its lease to run out.
        match broker.jobs.claim(pool.model(), member, room, CLAIM_WAIT, config.lease).await {
            Ok(claims) => {
                backoff = Duration::from_millis(100);
                // A process that was stopped meanwhile may hold claims that are another worker's by now.
                let is_doubtful = asked.elapsed() > CLAIM_WAIT + config.lease / 3;
                for claim in claims {
                    // There is one: it is asked for jobs only when there is room.
                    let Some(slot) = pool.enter() else { break };
                    begin(&shared, slot, claim, is_doubtful, &jobs);
                }
                // They open their streams first, and somebody waits for that: behind the next question it would take longer.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::warn!(model = pool.model(), %error, "failed to claim jobs, trying again");
                drain.run_until_cancelled(tokio::time::sleep(backoff)).await;
                backoff = (backoff * 2).min(Duration::from_secs(2));
            }
        }
    }
}

fn begin(shared: &Arc<Shared>, slot: Slot, claim: Claim, is_doubtful: bool, jobs: &TaskTracker) {
    let Some(place) = shared.running.enter(&claim) else { return };
    let shared = Arc::clone(shared);
    jobs.spawn(async move {
        let done = if is_doubtful && !is_still_ours(&shared, &claim).await {
            Done::Lost
        } else {
            produce(&shared, slot, &claim, place).await
        };
        settle(&shared, &claim, done).await;
    });
}

/// Whether a claim has not run out: to open the stream of another worker's response would cost that worker its work.
async fn is_still_ours(shared: &Shared, claim: &Claim) -> bool {
    let tickets = std::slice::from_ref(&claim.ticket);
    matches!(shared.broker.jobs.renew(&shared.member, tickets).await, Ok(lost) if lost.is_empty())
}

/// Tells the queue what became of a claim. If that fails the lease runs out, and the next worker finds the response ended.
async fn settle(shared: &Shared, claim: &Claim, done: Done) {
    let Broker { jobs, store, .. } = &shared.broker;
    if matches!(done, Done::Finished | Done::Buried(_)) {
        // First: once the job is gone, nobody would do it.
        broker::account::settle(&**store, &claim.job.header, claim.job.id).await;
    }
    let result = match done {
        Done::Finished => jobs.finish(&claim.ticket).await,
        Done::Buried(reason) => jobs.bury(&claim.ticket, reason).await,
        Done::GiveBack | Done::Lost => jobs.release(&shared.member, &claim.ticket).await,
        Done::Lapse => Ok(()),
    };
    if let Err(error) = result {
        let trace_id = trace_id(claim);
        tracing::warn!(response = %claim.job.id, trace_id, %error, "failed to settle a job");
    }
}
