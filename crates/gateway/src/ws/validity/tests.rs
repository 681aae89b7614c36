use super::*;

fn config() -> Config {
    Config {
        token_warning: Duration::from_secs(60),
        token_grace: Duration::from_secs(30),
        ..Config::default()
    }
}

/// A credential that ends 100 s from now.
fn validity(now: Instant) -> Validity {
    let expires_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 100;
    Validity { ends: Some(now + Duration::from_secs(100)), ..Validity::until(Some(expires_at), now) }
}

#[tokio::test(start_paused = true)]
async fn it_is_warned_of_and_ended_once() {
    let (start, config) = (Instant::now(), config());
    let mut validity = validity(start);
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(validity.due(at(0), &config), Due::Nothing);
    assert_eq!(validity.next(&config), Some(at(40)));
    assert!(matches!(validity.due(at(40), &config), Due::Warning(_)));
    assert_eq!(validity.due(at(41), &config), Due::Nothing);
    assert_eq!(validity.next(&config), Some(at(100)));
    assert!(!validity.is_ended(at(99)));
    assert!(validity.is_ended(at(100)));
    assert!(!validity.is_over(at(100), true, &config), "the client is told first");
    assert_eq!(validity.due(at(100), &config), Due::End);
    assert_eq!(validity.due(at(101), &config), Due::Nothing);
    assert_eq!(validity.next(&config), Some(at(130)));
}

#[tokio::test(start_paused = true)]
async fn what_runs_has_a_grace() {
    let (start, config) = (Instant::now(), config());
    let mut validity = validity(start);
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(validity.due(at(100), &config), Due::End);
    assert!(validity.is_over(at(100), true, &config));
    assert!(!validity.is_over(at(129), false, &config));
    assert!(validity.is_over(at(130), false, &config));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_never_due() {
    let (now, config) = (Instant::now(), config());
    for expires_at in [None, Some(u64::MAX)] {
        let mut validity = Validity::until(expires_at, now);
        assert_eq!(validity.due(now, &config), Due::Nothing);
        assert!(validity.next(&config).is_none() && !validity.is_ended(now), "{expires_at:?}");
    }
    // One that has ended already, by a clock that goes slower.
    assert!(Validity::until(Some(1), now).is_ended(now));
}
