//! Claims of jobs that are in hand already, and stops that nobody heard of.

use std::time::Duration;

use broker::{Claim, Header, Job, Kind, Stop, Ticket};
use stream::{Event, EventKind, ResponseId, Whole};

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

/// Whose append was answered just now needs not be asked about: the answer says it, too. Who is silent is.
#[tokio::test(start_paused = true)]
async fn the_silent_are_asked_about() {
    let (broker, claim) = (broker::memory::broker(), claim(1));
    let created = Event::Whole(Whole { kind: EventKind::Created, body: "{}".into() });
    broker.log.create(claim.job.id, &claim.job.header, &[created]).await.unwrap();
    broker.control.cancel(claim.job.id).await.unwrap();
    let running = Running::default();
    let mut place = running.enter(&claim).unwrap();
    place.answered();
    for _ in 0..2 {
        running.check_stops(&broker).await;
        let interrupted = tokio::time::timeout(Duration::from_secs(1), place.interrupted()).await;
        assert!(interrupted.is_err(), "asked although the append was answered");
    }
    running.check_stops(&broker).await;
    assert_eq!(place.interrupted().await, Interrupt::Stop(Stop::Cancelled));
}
