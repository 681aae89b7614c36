//! Nobody takes all the room.

use super::*;

fn none() -> Limits {
    let open = Limits::default();
    Limits {
        max_connections: 0,
        max_connections_per_address: 0,
        arrivals_per_second: 0,
        arrivals_burst: 0,
        ..open
    }
}

fn at(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn outcome(entry: &Entry) -> &str {
    match entry {
        Entry::Serve(_) => "served",
        Entry::Refuse(_, error) => error.code.as_deref().unwrap(),
        Entry::Drop => "dropped",
    }
}

#[tokio::test]
async fn one_more_than_allowed_is_told_and_a_flood_is_dropped() {
    let crowd = Crowd::new(&Limits { max_connections: 10, ..none() });
    let mut entries: Vec<_> = (0..10).map(|_| crowd.enter(at("192.0.2.1"))).collect();
    assert!(entries.iter().all(|entry| outcome(entry) == "served"));
    entries.push(crowd.enter(at("192.0.2.2")));
    assert_eq!(outcome(&entries[10]), "overloaded");
    assert_eq!(outcome(&crowd.enter(at("192.0.2.3"))), "dropped");
    // What was refused or dropped takes no room.
    entries.truncate(9);
    assert_eq!(outcome(&crowd.enter(at("192.0.2.3"))), "served");
    drop(entries);
    assert_eq!(crowd.0.total.load(Ordering::Relaxed), 0);
    assert_eq!(crowd.0.by_origin.lock().len(), 0);
}

#[tokio::test]
async fn one_address_does_not_take_the_room_of_others() {
    let crowd = Crowd::new(&Limits { max_connections_per_address: 2, ..none() });
    let _two = [crowd.enter(at("2001:db8::1")), crowd.enter(at("2001:db8::2"))];
    // A household has a whole network.
    assert_eq!(outcome(&crowd.enter(at("2001:db8::3"))), "too_many_connections");
    assert_eq!(outcome(&crowd.enter(at("2001:db8:0:1::3"))), "served");
    assert_eq!(crowd.admit(at("2001:db8::4").unwrap()).unwrap_err().status(), 429);
    assert!(crowd.admit(at("192.0.2.1").unwrap()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_comes_too_fast_waits() {
    let crowd = Crowd::new(&Limits { arrivals_per_second: 2, arrivals_burst: 4, ..none() });
    let come = || outcome(&crowd.enter(at("192.0.2.1"))).to_owned();
    assert_eq!([come(), come(), come(), come()], ["served"; 4]);
    assert_eq!(come(), "too_many_connections");
    assert_eq!(outcome(&crowd.enter(at("192.0.2.2"))), "served");
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!([come(), come()], ["served", "too_many_connections"]);
    // A proxy speaks for many.
    assert!((0..9).all(|_| outcome(&crowd.enter(None)) == "served"));
    tokio::time::advance(Duration::from_secs(60)).await;
    crowd.sweep();
    assert!(crowd.0.arrivals.as_ref().unwrap().is_empty());
}

#[tokio::test]
async fn without_limits_all_are_served() {
    let crowd = Crowd::new(&none());
    let entries: Vec<_> = (0..5_000).map(|_| crowd.enter(at("192.0.2.1"))).collect();
    assert!(entries.iter().all(|entry| outcome(entry) == "served"));
}
