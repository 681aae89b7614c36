//! Scenes about what people see of the queues: all that is there, as it is, and of nobody's request more than was asked for.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::stage::{LONG, SHORT, claim, claim_one, enqueue, fresh, job, worker};
use crate::{Backlog, Broker, Depth, FoundJob, JobEntry, JobState, JobStatus};

/// More than any page of a broker holds.
const MANY: usize = 150;

fn ids(entries: &[JobEntry]) -> Vec<stream::ResponseId> {
    entries.iter().map(|entry| entry.id).collect()
}

async fn list(broker: &Broker, model: &str, status: JobStatus) -> Vec<JobEntry> {
    broker.jobs.list(model, status, 1_000).await.unwrap()
}

async fn backlog(broker: &Broker, model: &str) -> Option<Backlog> {
    broker.jobs.queues().await.unwrap().into_iter().find(|backlog| backlog.model == model)
}

/// Buries the next job of `model`.
async fn bury_one(broker: &Broker, model: &str, reason: &str) {
    let claim = claim_one(broker, model, &worker(), LONG).await;
    broker.jobs.bury(&claim.ticket, reason).await.unwrap();
}

/// The models that have any jobs are told, with how many and since when, and no others.
pub async fn queues_with_jobs_are_told(broker: &Broker) {
    let model = fresh("model");
    assert_eq!(backlog(broker, &model).await, None);
    let jobs = enqueue(broker, &model, 4).await;
    sleep(SHORT).await;
    let told = backlog(broker, &model).await.unwrap();
    assert_eq!(told.depth, Depth { waiting: 4, claimed: 0, dead: 0 });
    let oldest = told.oldest.unwrap();
    assert!(oldest >= SHORT / 2 && oldest < LONG, "{oldest:?}");

    bury_one(broker, &model, "it kills its workers").await;
    let claims = claim(broker, &model, &worker(), 3).await;
    let told = backlog(broker, &model).await.unwrap();
    assert_eq!((told.depth, told.oldest), (Depth { waiting: 0, claimed: 3, dead: 1 }, None));

    for claim in claims {
        broker.jobs.finish(&claim.ticket).await.unwrap();
    }
    let dead = broker.jobs.find(jobs[0].id).await.unwrap().unwrap();
    assert!(broker.jobs.forget(&dead.entry.ticket).await.unwrap());
    assert_eq!(backlog(broker, &model).await, None);
}

/// The age of what waits is that of the oldest, also if that was given back.
pub async fn what_was_given_back_is_the_oldest(broker: &Broker) {
    let (model, one) = (fresh("model"), worker());
    enqueue(broker, &model, 1).await;
    let claims = claim(broker, &model, &one, 1).await;
    sleep(2 * SHORT).await;
    enqueue(broker, &model, 1).await;
    let newer = backlog(broker, &model).await.unwrap().oldest.unwrap();
    broker.jobs.release(&one, &claims[0].ticket).await.unwrap();
    let oldest = backlog(broker, &model).await.unwrap().oldest.unwrap();
    assert!(oldest >= newer + SHORT, "{oldest:?} after {newer:?}");
}

/// Jobs that wait are listed in the order in which they will be claimed.
pub async fn waiting_jobs_are_listed(broker: &Broker) {
    let model = fresh("model");
    let jobs = enqueue(broker, &model, 5).await;
    let told = list(broker, &model, JobStatus::Waiting).await;
    assert_eq!(ids(&told), jobs.iter().map(|job| job.id).collect::<Vec<_>>());
    for (entry, job) in told.iter().zip(&jobs) {
        assert_eq!((&entry.header, entry.kind), (&job.header, job.kind));
        assert_eq!((entry.attempts, &entry.state), (0, &JobState::Waiting));
        assert_eq!(&*entry.ticket.model, model);
        assert!(entry.age < LONG, "{:?}", entry.age);
    }
    let some = broker.jobs.list(&model, JobStatus::Waiting, 2).await.unwrap();
    assert_eq!(ids(&some), ids(&told[..2]));
    assert!(broker.jobs.list(&model, JobStatus::Waiting, 0).await.unwrap().is_empty());
    assert!(list(broker, &model, JobStatus::Claimed).await.is_empty());
    assert!(list(broker, &model, JobStatus::Dead).await.is_empty());
    assert!(list(broker, &fresh("model"), JobStatus::Waiting).await.is_empty());
}

/// A claimed job names who has it, how often it was claimed, and since when nothing was heard from there.
pub async fn claimed_jobs_name_their_workers(broker: &Broker) {
    let (model, slow, next) = (fresh("model"), worker(), worker());
    let jobs = enqueue(broker, &model, 1).await;
    let told = async || match &list(broker, &model, JobStatus::Claimed).await[..] {
        [JobEntry { id, attempts, state: JobState::Claimed { worker, quiet }, .. }] => {
            assert_eq!(*id, jobs[0].id);
            (worker.clone(), *attempts, *quiet)
        }
        other => panic!("expected one claimed job, found {other:?}"),
    };
    let lost = claim_one(broker, &model, &slow, SHORT).await;
    sleep(SHORT / 2).await;
    let (worker, attempts, quiet) = told().await;
    assert_eq!((worker, attempts), (slow.clone(), 1));
    assert!(quiet >= SHORT / 4, "{quiet:?}");

    let begin = Instant::now();
    assert_eq!(broker.jobs.renew(&slow, &[lost.ticket]).await.unwrap(), []);
    let (_, _, quiet) = told().await;
    // Some brokers know whole milliseconds only.
    let elapsed = begin.elapsed() + Duration::from_millis(1);
    assert!(quiet <= elapsed, "a renewal is a sign of life, {quiet:?} ago");

    claim_one(broker, &model, &next, LONG).await;
    let (worker, attempts, _) = told().await;
    assert_eq!((worker, attempts), (next, 2));
}

/// What was given back waits, in its old place, with the attempts that did count.
pub async fn released_jobs_are_listed_as_waiting(broker: &Broker) {
    let (model, one) = (fresh("model"), worker());
    let mut jobs = enqueue(broker, &model, 1).await;
    claim_one(broker, &model, &worker(), SHORT).await;
    let mut claims = vec![claim_one(broker, &model, &one, LONG).await];
    jobs.extend(enqueue(broker, &model, 2).await);
    claims.extend(claim(broker, &model, &one, 2).await);
    for claim in claims.iter().rev() {
        broker.jobs.release(&one, &claim.ticket).await.unwrap();
    }
    assert!(list(broker, &model, JobStatus::Claimed).await.is_empty());
    let told = list(broker, &model, JobStatus::Waiting).await;
    assert_eq!(ids(&told), jobs.iter().map(|job| job.id).collect::<Vec<_>>());
    assert_eq!(told.iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [1, 0, 0]);
}

/// A dead job tells of what it died, and after how many attempts. The latest come first.
pub async fn dead_jobs_tell_why(broker: &Broker) {
    let model = fresh("model");
    let jobs = enqueue(broker, &model, 2).await;
    let claims = broker.jobs.claim(&model, &worker(), 2, Duration::ZERO, SHORT).await.unwrap();
    broker.jobs.bury(&claims[1].ticket, "it cannot be read").await.unwrap();
    bury_one(broker, &model, "it kills its workers").await;
    let told = list(broker, &model, JobStatus::Dead).await;
    assert_eq!(ids(&told), [jobs[0].id, jobs[1].id]);
    assert_eq!(told.iter().map(|entry| entry.attempts).collect::<Vec<_>>(), [2, 1]);
    let reasons = told.iter().map(|entry| match &entry.state {
        JobState::Dead { reason, since } => {
            assert!(*since <= entry.age && entry.age < LONG, "{since:?} of {:?}", entry.age);
            reason.as_str()
        }
        other => panic!("a dead job is {other:?}"),
    });
    assert_eq!(reasons.collect::<Vec<_>>(), ["it kills its workers", "it cannot be read"]);
    let latest = broker.jobs.list(&model, JobStatus::Dead, 1).await.unwrap();
    assert_eq!(ids(&latest), [jobs[0].id]);
}

/// Many are listed as few are: all of them, in order, each once.
pub async fn a_long_list_has_no_gap(broker: &Broker) {
    let (model, one) = (fresh("model"), worker());
    let jobs = enqueue(broker, &model, MANY + 10).await;
    claim(broker, &model, &one, MANY).await;
    let expected: Vec<_> = jobs.iter().map(|job| job.id).collect();
    assert_eq!(ids(&list(broker, &model, JobStatus::Claimed).await), expected[..MANY]);
    assert_eq!(ids(&list(broker, &model, JobStatus::Waiting).await), expected[MANY..]);
    let some = broker.jobs.list(&model, JobStatus::Claimed, MANY - 1).await.unwrap();
    assert_eq!(ids(&some), expected[..MANY - 1]);

    for claim in list(broker, &model, JobStatus::Claimed).await {
        broker.jobs.bury(&claim.ticket, "it kills its workers").await.unwrap();
    }
    let latest_first: Vec<_> = expected[..MANY].iter().rev().copied().collect();
    assert_eq!(ids(&list(broker, &model, JobStatus::Dead).await), latest_first);
}

/// A job is found by its response wherever it is, whole, and no longer when it is done.
pub async fn a_job_is_found_wherever_it_is(broker: &Broker) {
    let (model, one) = (fresh("model"), worker());
    let jobs = enqueue(broker, &model, 2).await;
    let found = async |place: usize| broker.jobs.find(jobs[place].id).await.unwrap();
    let expect = async |place: usize, status: JobStatus| {
        let FoundJob { entry, job } = found(place).await.unwrap();
        assert_eq!((&job, entry.state.status()), (&jobs[place], status));
        assert_eq!((entry.id, &entry.header, entry.kind), (job.id, &job.header, job.kind));
    };
    expect(0, JobStatus::Waiting).await;
    expect(1, JobStatus::Waiting).await;
    let claims = claim(broker, &model, &one, 2).await;
    expect(1, JobStatus::Claimed).await;
    broker.jobs.release(&one, &claims[0].ticket).await.unwrap();
    expect(0, JobStatus::Waiting).await;
    broker.jobs.bury(&claims[0].ticket, "it kills its workers").await.unwrap();
    expect(0, JobStatus::Dead).await;
    broker.jobs.finish(&claims[1].ticket).await.unwrap();
    assert_eq!(found(1).await, None);
    assert_eq!(broker.jobs.find(job(&model).id).await.unwrap(), None);
}

/// A dead job is forgotten once, is nowhere then, and does not come back.
pub async fn a_forgotten_job_is_gone(broker: &Broker) {
    let model = fresh("model");
    let jobs = enqueue(broker, &model, 2).await;
    bury_one(broker, &model, "it kills its workers").await;
    bury_one(broker, &model, "it kills its workers").await;
    let found = broker.jobs.find(jobs[0].id).await.unwrap().unwrap();
    assert!(broker.jobs.forget(&found.entry.ticket).await.unwrap());
    assert!(!broker.jobs.forget(&found.entry.ticket).await.unwrap());
    assert_eq!(broker.jobs.find(jobs[0].id).await.unwrap(), None);
    assert_eq!(ids(&list(broker, &model, JobStatus::Dead).await), [jobs[1].id]);
    broker.jobs.enqueue(&jobs[0]).await.unwrap();
    assert_eq!(broker.jobs.depth(&model).await.unwrap(), Depth { waiting: 0, claimed: 0, dead: 1 });
}

/// What is not dead is not forgotten; it can be finished, though nobody has claimed it.
pub async fn only_the_dead_are_forgotten(broker: &Broker) {
    let model = fresh("model");
    let jobs = enqueue(broker, &model, 2).await;
    let waiting = broker.jobs.find(jobs[0].id).await.unwrap().unwrap();
    assert!(!broker.jobs.forget(&waiting.entry.ticket).await.unwrap());
    assert_eq!(broker.jobs.depth(&model).await.unwrap().waiting, 2);
    broker.jobs.finish(&waiting.entry.ticket).await.unwrap();
    assert_eq!(broker.jobs.find(jobs[0].id).await.unwrap(), None);
    let claims = broker.jobs.claim(&model, &worker(), 2, Duration::ZERO, LONG).await.unwrap();
    assert_eq!(claims.iter().map(|claim| claim.job.id).collect::<Vec<_>>(), [jobs[1].id]);
}
