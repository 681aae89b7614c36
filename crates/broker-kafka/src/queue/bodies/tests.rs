use super::*;

fn kept(bodies: &Bodies) -> Vec<i64> {
    bodies.by_offset.keys().copied().collect()
}

fn with(max_bytes: usize, offsets: impl IntoIterator<Item = i64>) -> Bodies {
    let mut bodies = Bodies::default();
    bodies.allow(max_bytes);
    for offset in offsets {
        bodies.put(offset, Bytes::from_static(&[0; 10]));
        assert!(bodies.bytes <= max_bytes);
    }
    bodies
}

#[test]
fn the_most_imminent_are_kept() {
    let mut bodies = with(35, 0..10);
    assert_eq!(kept(&bodies), [0, 1, 2]);
    bodies.remove(0);
    bodies.put(10, Bytes::from_static(&[0; 10]));
    assert_eq!(kept(&bodies), [1, 2, 10]);
}

#[test]
fn those_in_a_workers_hands_leave_first() {
    let mut bodies = with(30, 0..3);
    bodies.note(0, true);
    bodies.note(1, true);
    bodies.note(1, false);
    bodies.put(3, Bytes::from_static(&[0; 10]));
    assert_eq!(kept(&bodies), [1, 2, 3]);
    assert!(bodies.claimed.is_empty());
}

#[test]
fn one_that_is_too_large_is_not_kept() {
    let mut bodies = with(30, []);
    bodies.put(0, Bytes::from_static(&[0; 31]));
    assert_eq!((kept(&bodies), bodies.bytes), (vec![], 0));
}

#[test]
fn without_room_nothing_is_kept() {
    let mut bodies = with(30, 0..3);
    bodies.allow(0);
    assert_eq!((kept(&bodies), bodies.bytes), (vec![], 0));
}
