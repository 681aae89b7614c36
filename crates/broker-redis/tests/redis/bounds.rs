//! Everything has an end or a bound.

use std::time::Duration;

use broker::{Broker, Depth, JobState, JobStatus, Member, Model};
use broker_redis::Config;
use bytes::Bytes;
use stream::EventKind;
use tokio::time::{Instant, sleep};

use crate::{
    breaks::{append, begin, job},
    follower::{Follower, delta, whole},
    server::{Server, config},
};

const LEASE: Duration = Duration::from_secs(30);

async fn connect(server: &Server, change: impl FnOnce(&mut Config)) -> Broker {
    let mut config = config(&[server.url()]);
    change(&mut config);
    broker_redis::connect(config).await.unwrap()
}

/// After all that a broker is used for, there is no key that stays for ever.
#[tokio::test]
async fn no_key_stays_for_ever() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, |_| {}).await;
    let (worker, gateway) = (Member::random("worker"), Member::random("gateway"));
    let (id, epoch) = begin(&broker).await;
    let (_follower, _listening) = Follower::listen(&broker, id).await;
    let (_nobody, _in_vain) = Follower::listen(&broker, broker.log.new_id()).await;
    broker.jobs.begin(&job("m"), &[whole(EventKind::Created)]).await.unwrap();
    broker.control.attend(&[id], &gateway, LEASE).await.unwrap();
    append(&broker, id, epoch, 1, &[delta("x")]).await;
    broker.control.cancel(id).await.unwrap();
    append(&broker, id, epoch, 2, &[whole(EventKind::Incomplete)]).await;

    for _ in 0..4 {
        broker.jobs.enqueue(&job("m")).await.unwrap();
    }
    let claims = broker.jobs.claim("m", &worker, 3, Duration::ZERO, LEASE).await.unwrap();
    broker.jobs.release(&worker, &claims[0].ticket).await.unwrap();
    broker.jobs.finish(&claims[1].ticket).await.unwrap();
    broker.jobs.bury(&claims[2].ticket, "it kills its workers").await.unwrap();

    broker.store.put("key", Bytes::from_static(b"value"), LEASE).await.unwrap();
    let model = Model { name: "m".into(), owned_by: String::new(), created: 0 };
    broker.control.announce(&[model], LEASE).await.unwrap();

    let keys = server.cli(&["--scan", "--pattern", "*"]);
    assert!(keys.lines().count() >= 10, "{keys}");
    for key in keys.lines() {
        // The mark of the last sweep may have ended since.
        assert_ne!(server.cli(&["PTTL", key]).trim(), "-1", "{key} stays for ever");
        assert!(key.starts_with("nx:"), "{key} is outside the prefix");
    }
}

/// A queue that nobody serves does not fill the server.
#[tokio::test]
async fn a_full_queue_is_unavailable() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, |config| config.max_jobs = 3).await;
    for _ in 0..3 {
        broker.jobs.enqueue(&job("m")).await.unwrap();
    }
    assert!(broker.jobs.enqueue(&job("m")).await.unwrap_err().is_retryable());
    let refused = job("m");
    let beginning = [whole(EventKind::Created)];
    assert!(broker.jobs.begin(&refused, &beginning).await.unwrap_err().is_retryable());
    assert_eq!(broker.log.header(refused.id).await.unwrap(), None, "a stream without its job");
    broker.jobs.enqueue(&job("another")).await.unwrap();
    let claims = broker.jobs.claim("m", &Member::random("worker"), 1, Duration::ZERO, LEASE).await.unwrap();
    broker.jobs.finish(&claims[0].ticket).await.unwrap();
    broker.jobs.enqueue(&job("m")).await.unwrap();
}

/// A worker with a thousand jobs renews all of its claims, and is told of those that are not its own.
#[tokio::test]
async fn many_claims_are_renewed_together() {
    const JOBS: usize = 1_000;
    let server = Server::start(&[]).await;
    let broker = connect(&server, |_| {}).await;
    for _ in 0..JOBS {
        broker.jobs.enqueue(&job("m")).await.unwrap();
    }
    let (worker, other) = (Member::random("worker"), Member::random("worker"));
    let mut claims = broker.jobs.claim("m", &worker, JOBS - 1, Duration::ZERO, LEASE).await.unwrap();
    claims.extend(broker.jobs.claim("m", &other, 1, Duration::ZERO, LEASE).await.unwrap());
    assert_eq!(claims.len(), JOBS);
    let (first, gone, others) = (&claims[0].ticket, &claims[600].ticket, &claims[JOBS - 1].ticket);
    broker.jobs.finish(first).await.unwrap();
    broker.jobs.finish(gone).await.unwrap();

    sleep(Duration::from_millis(100)).await;
    // In no order, as a worker has them.
    let tickets: Vec<_> = claims.iter().rev().map(|claim| claim.ticket.clone()).collect();
    let mut lost = broker.jobs.renew(&worker, &tickets).await.unwrap();
    lost.sort_by(|one, another| one.entry.cmp(&another.entry));
    let mut expected = [first.clone(), gone.clone(), others.clone()];
    expected.sort_by(|one, another| one.entry.cmp(&another.entry));
    assert_eq!(lost, expected);
    // The other's claim was the last, and is now the oldest.
    let pending = server.cli(&["XPENDING", "nx:{jobs:m}:queue", "workers", "-", "+", "2000"]);
    let lines: Vec<_> = pending.lines().collect();
    let idle = |of: &Member| {
        let of = lines.chunks(4).filter(move |claim| claim[1].starts_with(of.as_str()));
        of.map(|claim| claim[2].parse::<u64>().unwrap()).max().unwrap()
    };
    assert_eq!(lines.len() / 4, JOBS - 2);
    assert!(idle(&worker) < idle(&other), "not all were renewed");
}

/// To look for what was given back or has run out costs the server more than a job does: it is done some times a second, and not
/// for each job.
#[tokio::test]
async fn who_takes_job_after_job_seldom_looks_for_others() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, |_| {}).await;
    let worker = Member::random("worker");
    let (begun, before) = (Instant::now(), server.calls("xpending"));
    let mut tickets = Vec::new();
    for _ in 0..50 {
        let job = job("m");
        broker.jobs.enqueue(&job).await.unwrap();
        let mut claims = broker.jobs.claim("m", &worker, 10, LEASE, LEASE).await.unwrap();
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].job.id, job.id);
        tickets.push(claims.remove(0).ticket);
    }
    let (looks, tenths) = (server.calls("xpending") - before, begun.elapsed().as_millis() as u64 / 100);
    assert!(looks <= 2 + tenths, "{looks} looks in {tenths} tenths of a second");
    assert_eq!(
        server.calls("unwatch"),
        0,
        "a connection was asked whether it still is one, which was just used"
    );
    // Nor does what is given back right after a look wait for the next one.
    broker.jobs.release(&worker, &tickets[7]).await.unwrap();
    let again = broker.jobs.claim("m", &worker, 10, LEASE, LEASE).await.unwrap();
    assert_eq!(again[0].ticket, tickets[7]);
}

/// Of buried jobs, the last ones are kept.
#[tokio::test]
async fn buried_jobs_are_bounded() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, |config| config.max_dead = 2).await;
    for _ in 0..4 {
        broker.jobs.enqueue(&job("m")).await.unwrap();
        let claims =
            broker.jobs.claim("m", &Member::random("worker"), 1, Duration::ZERO, LEASE).await.unwrap();
        broker.jobs.bury(&claims[0].ticket, "it kills its workers").await.unwrap();
    }
    assert_eq!(broker.jobs.depth("m").await.unwrap(), Depth { waiting: 0, claimed: 0, dead: 2 });
}

/// Each buried job is kept for so long, also where others are buried after it.
#[tokio::test]
async fn buried_jobs_end_one_by_one() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, |_| {}).await;
    server.cli(&["XADD", "nx:{jobs:m}:dead", "1-1", "job", "of another time", "reason", "unknown"]);
    assert_eq!(broker.jobs.depth("m").await.unwrap().dead, 1);
    broker.jobs.enqueue(&job("m")).await.unwrap();
    let claims = broker.jobs.claim("m", &Member::random("worker"), 1, Duration::ZERO, LEASE).await.unwrap();
    broker.jobs.bury(&claims[0].ticket, "it kills its workers").await.unwrap();
    let dead = broker.jobs.list("m", JobStatus::Dead, 10).await.unwrap();
    assert_eq!(dead.iter().map(|entry| entry.id).collect::<Vec<_>>(), [claims[0].job.id]);
}

/// A server that lost its memory is told again of the queues that it has.
#[tokio::test]
async fn lost_queues_are_found_again() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, |_| {}).await;
    let queues = async || broker.jobs.queues().await.unwrap().len();
    broker.jobs.enqueue(&job("m")).await.unwrap();
    assert_eq!(queues().await, 1);
    server.cli(&["FLUSHALL"]);
    broker.jobs.enqueue(&job("m")).await.unwrap();
    assert_eq!(queues().await, 0);
    // Nothing is under way at the server, so nothing is late when the clock goes on.
    tokio::time::pause();
    tokio::time::advance(2 * LEASE).await;
    tokio::time::resume();
    broker.jobs.enqueue(&job("m")).await.unwrap();
    assert_eq!(queues().await, 1);
}

/// A job that cannot be read is in nobody's way, may be read by a later version, and is buried in the end.
#[tokio::test]
async fn an_unreadable_job_is_buried_in_the_end() {
    let server = Server::start(&[]).await;
    let broker = connect(&server, |_| {}).await;
    let before = job("m");
    broker.jobs.enqueue(&before).await.unwrap();
    server.cli(&["XADD", "nx:{jobs:m}:queue", "*", "job", "of another world"]);
    let after = job("m");
    broker.jobs.enqueue(&after).await.unwrap();

    let (worker, lease) = (Member::random("worker"), Duration::from_millis(40));
    let claims = broker.jobs.claim("m", &worker, 10, Duration::ZERO, lease).await.unwrap();
    assert_eq!(claims.iter().map(|claim| claim.job.id).collect::<Vec<_>>(), [before.id, after.id]);
    for claim in &claims {
        broker.jobs.finish(&claim.ticket).await.unwrap();
    }
    assert_eq!(broker.jobs.depth("m").await.unwrap(), Depth { waiting: 0, claimed: 1, dead: 0 });
    // It runs out a few times, and nothing ever comes of it.
    let deadline = Instant::now() + LEASE;
    while broker.jobs.depth("m").await.unwrap() != (Depth { waiting: 0, claimed: 0, dead: 1 }) {
        assert!(broker.jobs.claim("m", &worker, 10, lease, lease).await.unwrap().is_empty());
        assert!(Instant::now() < deadline, "it is handed out for ever");
    }
    let dead = broker.jobs.list("m", JobStatus::Dead, 10).await.unwrap();
    let JobState::Dead { reason, .. } = &dead[0].state else { panic!("{dead:?}") };
    assert_eq!((dead[0].header.model.as_str(), reason.as_str()), ("m", "it cannot be read"));
    assert!(broker.jobs.forget(&dead[0].ticket).await.unwrap());
}
