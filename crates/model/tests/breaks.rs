//! The checker can fail: without any one of its safeguards the protocol breaks, and the checker says how.

mod worlds;

use model::{Bounds, Faults, LogKind, Safeguard, breaks};
use worlds::{accepting, admission, checked};

#[test]
fn without_the_fence_at_append() {
    breaks("no fence at append", checked().without(Safeguard::FenceAtAppend), "one owner");
}

#[test]
fn without_knowing_a_repeated_append() {
    breaks(
        "repeated append not known",
        checked().without(Safeguard::RepeatedAppend),
        "nothing fails by itself",
    );
}

#[test]
fn without_opening_before_reading() {
    breaks("read before open", checked().without(Safeguard::OpenBeforeRead), "carries on");
}

#[test]
fn without_looking_at_numbers() {
    breaks("gaps not seen", checked().without(Safeguard::NextNumberOnly), "what was shown stays");
}

#[test]
fn without_the_fence_at_read() {
    breaks("no fence at read", accepting().without(Safeguard::FenceAtRead), "one owner");
}

#[test]
fn without_reading_an_accepting_log_in_order() {
    breaks("live path that loses openings", accepting().without(Safeguard::ReadInOrder), "one owner");
}

#[test]
fn without_knowing_ones_own_opening() {
    breaks("opening known by its epoch alone", accepting().without(Safeguard::OwnOpening), "one owner");
}

#[test]
fn without_reading_whether_the_end_counts() {
    breaks("end not read back", accepting().without(Safeguard::OwnEnd), "accepted means it ends");
}

#[test]
fn without_enqueueing_before_the_client_is_told() {
    let world = admission(LogKind::Checked).without(Safeguard::EnqueueBeforeTold);
    breaks("told before enqueued", world, "accepted means it ends");
}

#[test]
fn without_inserting_the_key_in_one_step() {
    breaks("key read, then written", admission(LogKind::Checked).without(Safeguard::KeyInsert), "once");
}

#[test]
fn without_telling_a_failed_look_from_a_no() {
    let world = admission(LogKind::Checked).without(Safeguard::FailedLook);
    breaks("a failed look taken for a job", world, "accepted means it ends");
}

#[test]
fn without_storing_after_the_end() {
    breaks("late writer stores, checked", checked().without(Safeguard::StoreAfterEnd), "stored as told");
    breaks("late writer stores, accepting", accepting().without(Safeguard::StoreAfterEnd), "stored as told");
}

#[test]
fn without_recovering_the_end() {
    breaks("end not stored, checked", checked().without(Safeguard::RecoverEnd), "stored as told");
    breaks("end not stored, accepting", accepting().without(Safeguard::RecoverEnd), "stored as told");
}

/// The stream stays right, for the fence makes a second job as harmless as a second claim. But whoever has one of the jobs
/// takes the response from whoever has the other, again and again, without any fault at all.
#[test]
fn without_knowing_jobs_again() {
    let calm = Bounds { faults: Faults::default(), ..admission(LogKind::Checked) };
    breaks("job enqueued twice", calm.without(Safeguard::KnownJob), "few terms");
}
