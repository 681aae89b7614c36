//! The protocol as it is meant: everything holds, in every order of events.
//!
//! Each world is as large as it can be and still be looked at in a few seconds. So each has more of one thing, and no
//! world has all.

mod worlds;

use model::{Bounds, Faults, LogKind, holds};
use worlds::{accepting, admission, checked};

#[test]
fn a_checked_log_survives_its_workers() {
    holds("checked, take-over", checked());
}

#[test]
fn an_accepting_log_survives_its_workers() {
    holds("accepting, take-over", accepting());
    let faults = Faults { lapses: 1, lost_answers: 1, ..Faults::default() };
    holds("accepting, lost answers", Bounds { tokens: 1, faults, ..accepting() });
}

#[test]
fn a_key_is_one_response() {
    holds("checked, admission", admission(LogKind::Checked));
    holds("accepting, admission", admission(LogKind::Accepting));
}

#[test]
fn a_cancel_races_with_workers() {
    let faults = Faults { cancels: 1, lapses: 1, gateway_crashes: 1, ..Faults::default() };
    holds("checked, cancel", Bounds { faults, gateways: 1, ..checked() });
    holds("accepting, cancel", Bounds { faults, gateways: 1, ..accepting() });
}

#[test]
fn two_responses_share_the_workers() {
    let faults = Faults { lapses: 1, ..Faults::default() };
    let two = |world| Bounds { same_key: false, gateways: 2, tokens: 1, faults, ..world };
    holds("checked, two responses", two(checked()));
    holds("accepting, two responses", two(accepting()));
}

#[test]
fn two_readers_agree() {
    let faults = Faults { lapses: 1, resumes: 1, ..Faults::default() };
    let two = |world| Bounds { gateways: 2, tokens: 2, faults, ..world };
    holds("checked, two readers", two(checked()));
    holds("accepting, two readers", Bounds { tokens: 1, ..two(accepting()) });
}
