//! What a process keeps of the jobs, and how many there may be.

use std::time::Duration;

use broker::{Depth, Error, Job, Member};
use broker_kafka::Config;

use crate::node::{config, job};

const LEASE: Duration = Duration::from_secs(60);

/// Jobs for which there is no room in memory are read when they are claimed: whole, in order, again after they were given
/// back, and by a process that comes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_beyond_the_bound_are_read_when_they_are_claimed() {
    for waiting_bytes in [0, 25_000] {
        let config = Config { waiting_bytes, ..config().await };
        let broker = broker_kafka::connect(config.clone()).await.unwrap();
        let (model, worker) = (Member::random("model").to_string(), Member::random("worker"));
        assert!(broker.jobs.claim(&model, &worker, 1, Duration::ZERO, LEASE).await.unwrap().is_empty());
        let large = |n: usize| Job { request: vec![n as u8; 10_000].into(), ..job(&broker, &model) };
        let jobs: Vec<_> = (0..20).map(large).collect();
        for job in &jobs {
            broker.jobs.enqueue(job).await.unwrap();
        }
        let claims = broker.jobs.claim(&model, &worker, 15, LEASE, LEASE).await.unwrap();
        assert!(claims.iter().map(|claim| &claim.job).eq(&jobs[..claims.len()]));
        for claim in &claims {
            broker.jobs.release(&worker, &claim.ticket).await.unwrap();
        }
        let other = broker_kafka::connect(config).await.unwrap();
        let mut claimed = Vec::new();
        while claimed.len() < jobs.len() {
            let claims = other.jobs.claim(&model, &worker, 7, LEASE, LEASE).await.unwrap();
            claimed.extend(claims.into_iter().map(|claim| (claim.job, claim.attempt)));
        }
        assert!(
            claimed.iter().map(|(job, _)| job).eq(&jobs) && claimed.iter().all(|(_, attempt)| *attempt == 1)
        );
    }
}

/// Beyond the bound a job is refused for now, by whoever has read that there are so many. One that is there already is not new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_for_now() {
    let config = Config { max_jobs: 3, ..config().await };
    let one = broker_kafka::connect(config.clone()).await.unwrap();
    let other = broker_kafka::connect(config).await.unwrap();
    let (model, worker) = (Member::random("model").to_string(), Member::random("worker"));
    let jobs: Vec<_> = (0..4).map(|_| job(&one, &model)).collect();
    for job in &jobs[..3] {
        one.jobs.enqueue(job).await.unwrap();
    }
    for broker in [&one, &other] {
        assert_eq!(broker.jobs.depth(&model).await.unwrap().waiting, 3);
        let refused = broker.jobs.enqueue(&jobs[3]).await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable(_)) && refused.is_retryable(), "{refused:?}");
        broker.jobs.enqueue(&jobs[0]).await.unwrap();
    }
    // What is in a worker's hands counts, as on Redis; another model does not.
    let claims = one.jobs.claim(&model, &worker, 1, LEASE, LEASE).await.unwrap();
    assert_eq!(one.jobs.depth(&model).await.unwrap(), Depth { waiting: 2, claimed: 1, dead: 0 });
    one.jobs.enqueue(&jobs[3]).await.unwrap_err();
    one.jobs.enqueue(&job(&one, &Member::random("model").to_string())).await.unwrap();
    one.jobs.finish(&claims[0].ticket).await.unwrap();
    assert_eq!(one.jobs.depth(&model).await.unwrap().waiting, 2);
    one.jobs.enqueue(&jobs[3]).await.unwrap();
    assert_eq!(other.jobs.depth(&model).await.unwrap().waiting, 3);
}
