//! Scenes about jobs: each is done by someone, in order, and by nobody else as long as its claim holds.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::stage::{
    Ear, LONG, PATIENCE, SHORT, claim, claim_one, created, delta, enqueue, eventually, fresh, job, open,
    soon, worker,
};
use crate::{Broker, Claim, Creation, Depth, Job};

fn ids(claims: &[Claim]) -> Vec<stream::ResponseId> {
    claims.iter().map(|claim| claim.job.id).collect()
}

/// A job that was accepted is claimed, whole, and by one worker at a time.
pub async fn a_job_is_claimed_once(broker: &Broker) {
    let model = fresh("model");
    let jobs = enqueue(broker, &model, 1).await;
    let claims = claim(broker, &model, &worker(), 10).await;
    assert_eq!(claims.len(), 1);
    assert_eq!((&claims[0].job, claims[0].attempt), (&jobs[0], 1));
    assert_eq!(&*claims[0].ticket.model, model);
    assert!(claim(broker, &model, &worker(), 10).await.is_empty());
}

/// Unclaimed jobs are handed out in the order of their enqueueing.
pub async fn jobs_come_in_their_order(broker: &Broker) {
    let model = fresh("model");
    let jobs = enqueue(broker, &model, 20).await;
    let mut claimed = Vec::new();
    for max in [1, 7, 5, 50] {
        claimed.extend(claim(broker, &model, &worker(), max).await);
    }
    assert_eq!(ids(&claimed), jobs.iter().map(|job| job.id).collect::<Vec<_>>());
}

/// A claim takes up to `max` jobs.
pub async fn a_claim_takes_no_more_than_asked(broker: &Broker) {
    let model = fresh("model");
    enqueue(broker, &model, 5).await;
    assert_eq!(claim(broker, &model, &worker(), 0).await.len(), 0);
    assert_eq!(claim(broker, &model, &worker(), 2).await.len(), 2);
    let depth = Depth { waiting: 3, claimed: 2, dead: 0 };
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), depth);
}

/// A claim waits for the first job, and no longer.
pub async fn a_claim_waits_for_a_job(broker: &Broker) {
    let model = fresh("model");
    for _ in 0..5 {
        let waiting = {
            let (broker, model) = (broker.clone(), model.clone());
            async move { broker.jobs.claim(&model, &worker(), 4, 2 * PATIENCE, LONG).await.unwrap() }
        };
        let mut waiters = JoinSet::new();
        waiters.spawn(waiting);
        sleep(Duration::from_millis(20)).await;
        let jobs = enqueue(broker, &model, 1).await;
        let claims = soon("the job is claimed", waiters.join_next()).await.unwrap().unwrap();
        assert_eq!(ids(&claims), [jobs[0].id]);
    }
}

/// An empty answer means that the wait is over.
pub async fn a_claim_in_vain_ends_after_its_wait(broker: &Broker) {
    let model = fresh("model");
    for wait in [Duration::ZERO, Duration::from_millis(1), SHORT] {
        let begin = Instant::now();
        let claims =
            soon("the wait ends", broker.jobs.claim(&model, &worker(), 1, wait, LONG)).await.unwrap();
        assert!(claims.is_empty() && begin.elapsed() >= wait, "{wait:?} took {:?}", begin.elapsed());
    }
}

/// Jobs that come while several wait are shared: no job twice, no worker forgotten.
pub async fn waiting_workers_share_the_jobs(broker: &Broker) {
    const WORKERS: usize = 6;
    let model = fresh("model");
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (broker, model) = (broker.clone(), model.clone());
        workers
            .spawn(async move { broker.jobs.claim(&model, &worker(), 1, 2 * PATIENCE, LONG).await.unwrap() });
    }
    sleep(Duration::from_millis(20)).await;
    let jobs = enqueue(broker, &model, WORKERS).await;
    let claims = soon("every worker gets a job", workers.join_all()).await.concat();
    assert_eq!(ids(&claims).into_iter().collect::<HashSet<_>>(), jobs.iter().map(|job| job.id).collect());
}

/// Workers that pull as fast as they can never get the same job.
pub async fn racing_workers_share_the_jobs(broker: &Broker) {
    const JOBS: usize = 64;
    let model = fresh("model");
    let jobs = enqueue(broker, &model, JOBS).await;
    let mut workers = JoinSet::new();
    for max in [1, 2, 3, 1, 2, 3, 1, 5] {
        let (broker, model) = (broker.clone(), model.clone());
        workers.spawn(async move {
            let (worker, mut done) = (worker(), Vec::new());
            loop {
                let claims = claim(&broker, &model, &worker, max).await;
                if claims.is_empty() {
                    break done;
                }
                for claim in claims {
                    broker.jobs.finish(&claim.ticket).await.unwrap();
                    done.push(claim);
                }
            }
        });
    }
    let done = soon("all jobs are done", workers.join_all()).await.concat();
    assert_eq!(done.len(), JOBS);
    assert_eq!(ids(&done).into_iter().collect::<HashSet<_>>(), jobs.iter().map(|job| job.id).collect());
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), Depth::default());
}

/// For a response whose job is in the queue, or was within the last hour, nothing happens.
pub async fn enqueueing_twice_is_once(broker: &Broker) {
    let model = fresh("model");
    let job = job(&model);
    let mut racers = JoinSet::new();
    for _ in 0..8 {
        let (broker, job) = (broker.clone(), job.clone());
        racers.spawn(async move { broker.jobs.enqueue(&job).await.unwrap() });
    }
    racers.join_all().await;
    assert_eq!(broker.jobs.depth(&model).await.unwrap().waiting, 1);
    let claims = claim(broker, &model, &worker(), 10).await;
    assert_eq!(claims.len(), 1);
    broker.jobs.enqueue(&job).await.unwrap();
    assert!(claim(broker, &model, &worker(), 10).await.is_empty());
    broker.jobs.finish(&claims[0].ticket).await.unwrap();
    broker.jobs.enqueue(&job).await.unwrap();
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), Depth::default());
}

/// Where a stream and its job begin in one step, both are there; and where the stream is there, neither begins again.
pub async fn a_stream_begins_with_its_job(broker: &Broker) {
    let model = fresh("model");
    let job = job(&model);
    let Some(creation) = broker.jobs.begin(&job, &[created()]).await.unwrap() else {
        assert!(broker.log.header(job.id).await.unwrap().is_none(), "it did something all the same");
        assert_eq!(broker.jobs.depth(&model).await.unwrap(), Depth::default());
        return;
    };
    assert_eq!(creation, Creation::Created);
    assert_eq!(broker.log.header(job.id).await.unwrap(), Some(job.header.clone()));
    let ear = Ear::new();
    let _listening = broker.log.listen(job.id, Arc::clone(&ear) as _).await.unwrap();
    assert_eq!(broker.jobs.begin(&job, &[created(), delta("again")]).await.unwrap(), Some(Creation::Existed));
    let claims = claim(broker, &model, &worker(), 10).await;
    assert_eq!(ids(&claims), [job.id]);
    assert_eq!(claims[0].job, job);
    let opened = open(broker, job.id).await;
    assert_eq!(opened.records.iter().flat_map(|record| &record.events).collect::<Vec<_>>(), [&created()]);
    broker.log.append(job.id, opened.epoch, 1, &[delta("a")]).await.unwrap();
    ear.hears_up_to(2).await;

    let existing = Job { id: super::stage::begin(broker).await, ..job };
    assert_eq!(broker.jobs.begin(&existing, &[created()]).await.unwrap(), Some(Creation::Existed));
    assert_eq!(
        broker.jobs.depth(&model).await.unwrap().waiting,
        0,
        "a job for a stream that has begun without it"
    );
}

/// Whoever does not renew in time loses the claim to the next, which sees the attempt counted one higher.
pub async fn a_claim_that_runs_out_is_handed_on(broker: &Broker) {
    let (model, slow, next) = (fresh("model"), worker(), worker());
    let jobs = enqueue(broker, &model, 1).await;
    let lost = claim_one(broker, &model, &slow, SHORT).await;
    let claim = claim_one(broker, &model, &next, LONG).await;
    assert_eq!((&claim.job, claim.attempt), (&jobs[0], 2));

    let tickets = [lost.ticket.clone()];
    assert_eq!(broker.jobs.renew(&slow, &tickets).await.unwrap(), tickets);
    assert_eq!(broker.jobs.renew(&next, &[claim.ticket]).await.unwrap(), []);
}

/// Renewing begins the lease anew, as often as it is done.
pub async fn a_renewed_claim_is_kept(broker: &Broker) {
    let (model, owner, other) = (fresh("model"), worker(), worker());
    let lease = 5 * SHORT;
    enqueue(broker, &model, 2).await;
    let claims = broker.jobs.claim(&model, &owner, 2, Duration::ZERO, lease).await.unwrap();
    let tickets: Vec<_> = claims.into_iter().map(|claim| claim.ticket).collect();
    assert_eq!(tickets.len(), 2);
    for _ in 0..10 {
        sleep(SHORT).await;
        assert_eq!(broker.jobs.renew(&owner, &tickets).await.unwrap(), []);
        assert_eq!(claim(broker, &model, &other, 10).await.len(), 0);
    }
    assert_eq!(claim_one(broker, &model, &other, LONG).await.attempt, 2);
}

/// Jobs whose claim has run out come before those that wait.
pub async fn claims_that_ran_out_come_first(broker: &Broker) {
    let (model, next) = (fresh("model"), worker());
    let lost = enqueue(broker, &model, 2).await;
    let claims = broker.jobs.claim(&model, &worker(), 2, Duration::ZERO, SHORT).await.unwrap();
    assert_eq!(claims.len(), 2);
    let waiting = enqueue(broker, &model, 2).await;
    sleep(2 * SHORT).await;
    let claims = claim(broker, &model, &next, 3).await;
    let first: HashSet<_> = ids(&claims[..2]).into_iter().collect();
    assert_eq!(first, lost.iter().map(|job| job.id).collect());
    assert_eq!(claims[2].job.id, waiting[0].id);
    assert_eq!(claims.iter().map(|claim| claim.attempt).collect::<Vec<_>>(), [2, 2, 1]);
}

/// A claim is given back at once, and not counted as an attempt.
pub async fn a_released_job_is_no_attempt(broker: &Broker) {
    let (model, one) = (fresh("model"), worker());
    let jobs = enqueue(broker, &model, 1).await;
    for _ in 0..3 {
        let claims = claim(broker, &model, &one, 1).await;
        assert_eq!((&claims[0].job, claims[0].attempt), (&jobs[0], 1));
        broker.jobs.release(&one, &claims[0].ticket).await.unwrap();
        let depth = Depth { waiting: 1, claimed: 0, dead: 0 };
        assert_eq!(broker.jobs.depth(&model).await.unwrap(), depth);
    }
    // An attempt that did count before is counted still.
    claim_one(broker, &model, &worker(), SHORT).await;
    let second = claim_one(broker, &model, &one, LONG).await;
    assert_eq!(second.attempt, 2);
    broker.jobs.release(&one, &second.ticket).await.unwrap();
    assert_eq!(claim_one(broker, &model, &worker(), LONG).await.attempt, 2);
}

/// What was given back comes before what waits, and is the same job to whoever had it.
pub async fn a_released_job_keeps_its_place(broker: &Broker) {
    let (model, drains) = (fresh("model"), worker());
    let jobs = enqueue(broker, &model, 5).await;
    let claims = claim(broker, &model, &drains, 2).await;
    for claim in &claims {
        broker.jobs.release(&drains, &claim.ticket).await.unwrap();
    }
    let depth = Depth { waiting: 5, claimed: 0, dead: 0 };
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), depth);
    let again = claim(broker, &model, &worker(), 3).await;
    assert_eq!(ids(&again), [jobs[0].id, jobs[1].id, jobs[2].id]);
    // The one that gave it back finds that the response had ended after all.
    broker.jobs.finish(&claims[0].ticket).await.unwrap();
    let depth = Depth { waiting: 2, claimed: 2, dead: 0 };
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), depth);
}

/// A worker that drains hands its jobs to those that wait, not to those that come next.
pub async fn a_release_wakes_one_that_waits(broker: &Broker) {
    let (model, drains) = (fresh("model"), worker());
    let jobs = enqueue(broker, &model, 1).await;
    let claims = claim(broker, &model, &drains, 1).await;
    let mut waiters = JoinSet::new();
    {
        let (broker, model) = (broker.clone(), model.clone());
        waiters
            .spawn(async move { broker.jobs.claim(&model, &worker(), 1, 2 * PATIENCE, LONG).await.unwrap() });
    }
    sleep(Duration::from_millis(20)).await;
    broker.jobs.release(&drains, &claims[0].ticket).await.unwrap();
    let claims = soon("the waiting worker gets the job", waiters.join_next()).await.unwrap().unwrap();
    assert_eq!(ids(&claims), [jobs[0].id]);
}

/// A claim that was lost cannot be given back.
pub async fn a_loser_releases_nothing(broker: &Broker) {
    let (model, slow, next) = (fresh("model"), worker(), worker());
    enqueue(broker, &model, 1).await;
    let lost = claim_one(broker, &model, &slow, SHORT).await;
    let claim = claim_one(broker, &model, &next, LONG).await;
    broker.jobs.release(&slow, &lost.ticket).await.unwrap();
    assert_eq!(broker.jobs.renew(&next, &[claim.ticket]).await.unwrap(), []);
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), Depth { waiting: 0, claimed: 1, dead: 0 });
}

/// When the response has ended, the job leaves the queue for good.
pub async fn a_finished_job_is_gone(broker: &Broker) {
    let (model, one) = (fresh("model"), worker());
    enqueue(broker, &model, 1).await;
    let claim = claim_one(broker, &model, &one, SHORT).await;
    broker.jobs.finish(&claim.ticket).await.unwrap();
    broker.jobs.finish(&claim.ticket).await.unwrap();
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), Depth::default());
    let tickets = [claim.ticket];
    assert_eq!(broker.jobs.renew(&one, &tickets).await.unwrap(), tickets);
    broker.jobs.release(&one, &tickets[0]).await.unwrap();
    let claims = broker.jobs.claim(&model, &worker(), 1, 2 * SHORT, LONG).await.unwrap();
    assert!(claims.is_empty(), "a finished job was handed out");
}

/// The job leaves the queue, whoever claims it now.
pub async fn a_loser_finishes_the_job(broker: &Broker) {
    let (model, next) = (fresh("model"), worker());
    enqueue(broker, &model, 1).await;
    let lost = claim_one(broker, &model, &worker(), SHORT).await;
    let claim = claim_one(broker, &model, &next, LONG).await;
    broker.jobs.finish(&lost.ticket).await.unwrap();
    let tickets = [claim.ticket];
    assert_eq!(broker.jobs.renew(&next, &tickets).await.unwrap(), tickets);
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), Depth::default());
}

/// A job that kills its workers leaves the queue, and is kept for inspection.
pub async fn a_buried_job_is_kept_aside(broker: &Broker) {
    let model = fresh("model");
    let jobs = enqueue(broker, &model, 1).await;
    let claim = claim_one(broker, &model, &worker(), SHORT).await;
    broker.jobs.bury(&claim.ticket, "it kills its workers").await.unwrap();
    broker.jobs.bury(&claim.ticket, "it kills its workers").await.unwrap();
    let buried = Depth { waiting: 0, claimed: 0, dead: 1 };
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), buried);
    broker.jobs.enqueue(&jobs[0]).await.unwrap();
    let claims = broker.jobs.claim(&model, &worker(), 1, 2 * SHORT, LONG).await.unwrap();
    assert!(claims.is_empty(), "a buried job was handed out");
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), buried);
}

/// A claim that is dropped unseen runs out and is handed out again.
pub async fn a_claim_that_nobody_saw_is_handed_out_again(broker: &Broker) {
    let model = fresh("model");
    for round in 0..5 {
        let gone = worker();
        let claiming = broker.jobs.claim(&model, &gone, 1, LONG, SHORT);
        assert!(
            timeout(Duration::from_millis(10 * round), claiming).await.is_err(),
            "there is nothing to claim"
        );
        let jobs = enqueue(broker, &model, 1).await;
        let claim = claim_one(broker, &model, &worker(), LONG).await;
        assert_eq!(claim.job.id, jobs[0].id);
        broker.jobs.finish(&claim.ticket).await.unwrap();
    }
    eventually("the queue is empty", async || broker.jobs.depth(&model).await.unwrap() == Depth::default())
        .await;
}

/// Queues do not mix, whatever signs are in the names of their models.
pub async fn any_name_is_a_model(broker: &Broker) {
    let unique = fresh("model");
    let names = ["", "{}", "{a", "a}b{c}", "meta/llama-3:70b", "a b\n*?[x]", "Modell-ß-\u{1F525}", "x:queue"];
    let models: Vec<_> = names.iter().map(|name| format!("{name}{unique}")).collect();
    let mut jobs = Vec::new();
    for model in &models {
        jobs.extend(enqueue(broker, model, 1).await);
    }
    for (model, job) in models.iter().zip(&jobs) {
        let claims = claim(broker, model, &worker(), 10).await;
        assert_eq!(ids(&claims), [job.id], "{model}");
        broker.jobs.finish(&claims[0].ticket).await.unwrap();
        assert_eq!(broker.jobs.depth(model).await.unwrap(), Depth::default());
    }
}
