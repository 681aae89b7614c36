//! A claim of a job that is in hand already.

use std::time::Duration;

use broker::{Claim, Header, Job, Kind, Ticket};
use stream::ResponseId;

use crate::running::{Interrupt, Running};

fn claim(attempt: u32) -> Claim {
    let id = ResponseId::from_parts(0, 7);
    let (header, request) = (Header::default(), bytes::Bytes::new());
    let job = Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 };
    Claim { job, attempt, ticket: Ticket { model: "m".into(), entry: "7".into() } }
}

#[tokio::test(start_paused = true)]
async fn a_second_claim_ends_the_first_run_only_if_others_had_the_job_in_between() {
    let running = Running::default();
    let mut place = running.enter(&claim(1)).unwrap();
    assert!(running.enter(&claim(2)).is_none());
    let interrupted = tokio::time::timeout(Duration::from_secs(1), place.interrupted()).await;
    assert!(interrupted.is_err(), "nobody else had it: its epoch is still in force");
    assert!(running.enter(&claim(4)).is_none());
    assert_eq!(place.interrupted().await, Interrupt::Lost);
    drop(place);
    assert!(running.enter(&claim(5)).is_some());
}
