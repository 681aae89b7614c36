use std::time::UNIX_EPOCH;

use super::*;

fn worker(number: usize) -> Member {
    Member::new(format!("worker-{number}"))
}

fn eight() -> Ready {
    let mut ready = Ready::default();
    (0..8).for_each(|number| ready.note(&worker(number), 4, UNIX_EPOCH));
    ready
}

#[test]
fn each_job_has_an_order_of_its_own() {
    let ready = eight();
    let mut firsts = [0; 8];
    for job in 0..800 {
        let mut places: Vec<_> = (0..8).map(|number| ready.before(job, &worker(number))).collect();
        firsts[places.iter().position(|before| *before == 0).unwrap()] += 1;
        places.sort_unstable();
        assert_eq!(places, (0..8).collect::<Vec<_>>());
    }
    assert!(firsts.iter().all(|count| (50..200).contains(count)), "{firsts:?}");
}

#[test]
fn who_is_not_known_goes_last() {
    assert_eq!(eight().before(0, &worker(8)), 8);
    assert_eq!(Ready::default().before(0, &worker(8)), 0);
}

#[test]
fn who_has_no_room_is_not_waited_for() {
    let mut ready = eight();
    (1..8).for_each(|number| ready.note(&worker(number), 0, UNIX_EPOCH));
    assert!((0..20).all(|job| ready.before(job, &worker(0)) == 0));
    ready.has_room_again(&worker(3));
    assert!((0..20).any(|job| ready.before(job, &worker(0)) == 1));
}

#[test]
fn who_does_not_come_is_forgotten() {
    let mut ready = eight();
    let first = (0..8).map(worker).find(|worker| ready.before(7, worker) == 0).unwrap();
    let second = (0..8).map(worker).find(|worker| ready.before(7, worker) == 1).unwrap();
    ready.went_to(7, &first);
    assert_eq!(ready.workers.len(), 8);
    ready.went_to(7, &second);
    assert!(!ready.knows(&first));
    assert_eq!(ready.before(7, &second), 0);
}
