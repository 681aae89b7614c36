//! Whole workers on the broker in memory, in paused time.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use broker::{
    Broker, Claim, Depth, Error, Header, Job, JobQueue, Kind, Member, OpenMode, Ticket, memory::Memory,
};
use engine::{DemoConfig, DemoEngine};
use prometheus_client::registry::Registry;
use protocol::{Item, Outcome, Request, Role};
use stream::{Event, EventKind};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Config, Continuation, Metrics, ModelConfig, Served, Timeouts, Worker};

const MODEL: &str = "demo";

/// A worker of the demo model, which cannot carry on what another one began.
fn work(tasks: &TaskTracker, config: Config, broker: Broker, drain: &CancellationToken) {
    let metrics = Metrics::register(&mut Registry::default());
    let worker = Worker::build(config, broker, Member::random("worker"), metrics);
    let servers = worker.servers();
    let drain = drain.clone();
    tasks.spawn(async move { worker.run(drain).await.unwrap() });
    let model = ModelConfig {
        name: MODEL.to_owned(),
        upstream_name: MODEL.to_owned(),
        concurrency: 4,
        timeouts: Timeouts::default(),
        continuation: Continuation::None,
    };
    let served = Served { config: model, engine: Arc::new(DemoEngine::new(DemoConfig::default())) };
    tasks.spawn(async move { servers.add(served).await });
}

/// A response that takes some ten seconds, with its stream and without its job.
async fn response(broker: &Broker) -> Job {
    let (id, request) = (broker.log.new_id(), Request::new(MODEL));
    let header = Header { model: MODEL.to_owned(), background: true, ..Header::default() };
    let created = protocol::created(id, 1, &request, "in_progress");
    broker.log.create(id, &header, &[created.into()]).await.unwrap();
    let request = Request { input: vec![Item::message(Role::User, "400 tokens")], ..request };
    let request = serde_json::to_vec(&request).unwrap().into();
    Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 }
}

async fn last_event(broker: &Broker, job: &Job) -> EventKind {
    let page = broker.log.read(job.id, 0, usize::MAX).await.unwrap().unwrap();
    page.records.last().unwrap().events.last().map(Event::kind).unwrap()
}

/// A queue whose answers to claims come late, as to a process that was stopped while it asked.
struct Late(Arc<dyn JobQueue>);

/// Longer than a lease and all looks of others at it.
const LATE: Duration = Duration::from_secs(6);

#[async_trait]
impl JobQueue for Late {
    async fn enqueue(&self, job: &Job) -> Result<(), Error> {
        self.0.enqueue(job).await
    }

    async fn claim(
        &self,
        model: &str,
        worker: &Member,
        max: usize,
        wait: Duration,
        lease: Duration,
    ) -> Result<Vec<Claim>, Error> {
        let claims = self.0.claim(model, worker, max, wait, lease).await?;
        if !claims.is_empty() {
            tokio::time::sleep(LATE).await;
        }
        Ok(claims)
    }

    async fn renew(&self, worker: &Member, tickets: &[Ticket]) -> Result<Vec<Ticket>, Error> {
        self.0.renew(worker, tickets).await
    }

    async fn finish(&self, ticket: &Ticket) -> Result<(), Error> {
        self.0.finish(ticket).await
    }

    async fn release(&self, worker: &Member, ticket: &Ticket) -> Result<(), Error> {
        self.0.release(worker, ticket).await
    }

    async fn bury(&self, ticket: &Ticket, reason: &str) -> Result<(), Error> {
        self.0.bury(ticket, reason).await
    }

    async fn depth(&self, model: &str) -> Result<Depth, Error> {
        self.0.depth(model).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_wakes_up_with_a_claim_that_ran_out_leaves_the_response_to_its_owner() {
    let broker = Memory::new(broker::memory::Config::default()).broker();
    let (tasks, drain) = (TaskTracker::new(), CancellationToken::new());
    let late = Broker { jobs: Arc::new(Late(Arc::clone(&broker.jobs))), ..broker.clone() };
    work(&tasks, Config::default(), late, &drain);
    let job = response(&broker).await;
    broker.jobs.enqueue(&job).await.unwrap();
    while broker.jobs.depth(MODEL).await.unwrap().claimed == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    work(&tasks, Config::default(), broker.clone(), &drain);
    let began = Instant::now();
    while broker.jobs.depth(MODEL).await.unwrap().claimed > 0 {
        assert!(began.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(began.elapsed() > LATE, "the first one woke up while the second was at it");
    // It would have ended as failed: it cannot be carried on.
    assert_eq!(last_event(&broker, &job).await, EventKind::Completed);
    drain.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_given_up_is_buried_even_if_the_worker_died_that_gave_it_up() {
    let broker = Memory::new(broker::memory::Config::default()).broker();
    let job = response(&broker).await;
    broker.jobs.enqueue(&job).await.unwrap();
    let lease = Duration::from_millis(100);
    for _ in 0..3 {
        let dying = Member::random("worker");
        assert_eq!(broker.jobs.claim(MODEL, &dying, 1, lease * 3, lease).await.unwrap().len(), 1);
    }
    let opened = broker.log.open(job.id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
    let outcome = Outcome::Failed { code: "too_many_attempts".to_owned(), message: String::new() };
    let created = protocol::created(job.id, 1, &Request::new(MODEL), "in_progress");
    let end = protocol::end(Some(&created), Vec::new(), None, &outcome, 2);
    broker.log.append(job.id, opened.epoch, opened.next(), &[end.into()]).await.unwrap();

    let (tasks, drain) = (TaskTracker::new(), CancellationToken::new());
    work(&tasks, Config { max_attempts: 2, ..Config::default() }, broker.clone(), &drain);
    let buried = async {
        while broker.jobs.depth(MODEL).await.unwrap() != (Depth { dead: 1, ..Depth::default() }) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), buried).await.unwrap();
    drain.cancel();
}
