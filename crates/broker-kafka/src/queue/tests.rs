use std::{collections::HashSet, time::UNIX_EPOCH};

use proptest::prelude::*;
use proto::kafka::{BuryJob, ClaimJobs, FinishJob, ReleaseJob, RenewJobs};

use super::*;

const MODEL: &str = "model";
const LEASE: u64 = 10;

fn at(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

fn enqueue(number: u64) -> JobAsk {
    let job = Job {
        id: ResponseId::from_parts(0, number.into()),
        header: Header { model: MODEL.into(), ..Header::default() },
        kind: Kind::Response,
        request: Bytes::new(),
        trace: None,
        enqueued_at_us: 0,
    };
    JobAsk::Enqueue(job.encode())
}

/// Any entry about the jobs enqueued at the first few offsets.
fn asks() -> impl Strategy<Value = JobAsk> {
    let worker = || prop_oneof![Just("a".to_owned()), Just("b".to_owned())];
    let job = || 0..30_i64;
    let jobs = || prop::collection::vec(job(), 1..4);
    prop_oneof![
        3 => (0..20_u64).prop_map(enqueue),
        3 => (worker(), jobs()).prop_map(|(worker, jobs)| JobAsk::Claim(ClaimJobs { worker, lease_ms: LEASE, jobs, room: 0 })),
        2 => (worker(), jobs()).prop_map(|(worker, jobs)| JobAsk::Renew(RenewJobs { worker, jobs })),
        2 => job().prop_map(|job| JobAsk::Finish(FinishJob { job })),
        1 => (worker(), job()).prop_map(|(worker, job)| JobAsk::Release(ReleaseJob { worker, job })),
        1 => job().prop_map(|job| JobAsk::Bury(BuryJob { job, reason: String::new() })),
    ]
}

/// What is known of the unfinished jobs.
fn unfinished(queue: &Queue) -> String {
    format!("{:?}", queue.jobs)
}

proptest! {
    /// Who begins to read at the first unfinished job comes to know the same of all that are unfinished, whatever came
    /// before.
    #[test]
    fn the_first_unfinished_job_is_where_to_begin(
        entries in prop::collection::vec((asks(), 0..4_u64), 0..60),
        committed_after in 0..60_usize,
    ) {
        let mut time = 0;
        let mut log = Vec::new();
        let mut used = HashSet::new();
        for (offset, (ask, later)) in (0_i64..).zip(entries) {
            time += later;
            // A response is enqueued once: that it is enqueued again later is remembered by who has read of it only.
            if let JobAsk::Enqueue(job) = &ask && !used.insert(job.clone()) {
                continue;
            }
            log.push((offset, ask, at(time)));
        }
        let mut from_the_beginning = Queue::default();
        let mut committed = None;
        for (n, (offset, ask, at)) in log.iter().enumerate() {
            if n == committed_after {
                committed = Some(from_the_beginning.first().unwrap_or(*offset));
            }
            from_the_beginning.carry_out(*offset, MODEL, ask.clone(), *at).unwrap();
        }
        let mut from_the_commit = Queue::default();
        for (offset, ask, at) in log.iter().filter(|(offset, ..)| Some(*offset) >= committed) {
            from_the_commit.carry_out(*offset, MODEL, ask.clone(), *at).unwrap();
        }
        prop_assert_eq!(unfinished(&from_the_beginning), unfinished(&from_the_commit));
        // And what is offered, and counted, is what is kept.
        let depth = from_the_beginning.depth(MODEL);
        prop_assert_eq!(depth.waiting + depth.claimed, from_the_beginning.jobs.len() as u64);
        let offered = from_the_beginning.offer(MODEL, at(time + LEASE + 1)).collect::<HashSet<_>>();
        prop_assert_eq!(offered, from_the_beginning.jobs.keys().copied().collect());
    }
}
