use std::sync::Arc;

use super::*;

fn lane(name: &str) -> LaneId {
    (!name.is_empty()).then(|| Arc::from(name))
}

fn lanes(max_lanes: usize, max_in_flight: usize, max_waiting: usize) -> Lanes<u32> {
    Lanes::new(&Limits { max_lanes, max_in_flight, max_waiting, ..Limits::default() })
}

#[test]
fn a_lane_is_first_in_first_out() {
    let mut lanes = lanes(32, 16, 64);
    lanes.push(lane(""), 1).unwrap();
    lanes.push(lane(""), 2).unwrap();
    assert_eq!(lanes.pop(), Some((lane(""), 1)));
    assert_eq!(lanes.pop(), None, "one turn at a time");
    lanes.end(&lane(""));
    assert_eq!(lanes.pop(), Some((lane(""), 2)));
    lanes.end(&lane(""));
    assert!(lanes.is_idle());
}

#[test]
fn lanes_run_in_parallel_up_to_the_limit() {
    let mut lanes = lanes(32, 2, 64);
    for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
        lanes.push(lane(name), number as u32).unwrap();
    }
    assert!(lanes.pop().is_some() && lanes.pop().is_some());
    assert_eq!(lanes.pop(), None, "two in flight");
    lanes.end(&lane("a"));
    assert_eq!(lanes.pop(), Some((lane("c"), 2)));
}

#[test]
fn a_busy_lane_does_not_starve_the_others() {
    let mut lanes = lanes(32, 1, 64);
    lanes.push(lane("a"), 1).unwrap();
    lanes.push(lane("a"), 2).unwrap();
    lanes.push(lane("b"), 3).unwrap();
    assert_eq!(lanes.pop(), Some((lane("a"), 1)));
    lanes.end(&lane("a"));
    assert_eq!(lanes.pop(), Some((lane("b"), 3)));
}

#[test]
fn one_lane_too_many_is_refused() {
    let mut lanes = lanes(2, 16, 64);
    lanes.push(lane(""), 0).unwrap();
    lanes.push(lane("a"), 0).unwrap();
    lanes.push(lane("b"), 0).unwrap();
    let error = lanes.push(lane("c"), 0).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("websocket_stream_limit_reached"));
    lanes.push(lane("a"), 1).unwrap();
}

#[test]
fn one_waiting_turn_too_many_is_refused() {
    let mut lanes = lanes(32, 16, 2);
    lanes.push(lane("a"), 0).unwrap();
    lanes.push(lane("b"), 0).unwrap();
    let error = lanes.push(lane("a"), 0).unwrap_err();
    assert_eq!((error.status(), error.code.as_deref()), (429, Some("too_many_requests")));
    lanes.pop();
    lanes.push(lane("a"), 0).unwrap();
}

#[test]
fn at_rest_only_names_are_kept() {
    let mut lanes = lanes(1, 16, 64);
    lanes.push(lane(""), 0).unwrap();
    lanes.push(lane("a"), 1).unwrap();
    assert!(lanes.pop().is_some() && lanes.pop().is_some());
    lanes.end(&lane(""));
    lanes.end(&lane("a"));
    assert!(lanes.is_idle());
    assert_eq!(
        lanes.lanes.iter().map(|lane| (&lane.id, lane.waiting.capacity())).collect::<Vec<_>>(),
        [(&lane("a"), 0)]
    );
    assert!(lanes.push(lane("b"), 2).is_err(), "the name counts");
    lanes.push(lane(""), 3).unwrap();
    assert_eq!(lanes.pop(), Some((lane(""), 3)));
}
