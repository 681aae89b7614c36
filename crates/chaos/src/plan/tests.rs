use std::{collections::BTreeSet, time::Duration};

use super::{Kind, Plan};

const INTERVAL: Duration = Duration::from_secs(1);

#[test]
fn a_seed_decides_everything() {
    let plan = |seed| Plan::new(seed, INTERVAL, &[]).take(500).collect::<Vec<_>>();
    assert_eq!(plan(7), plan(7));
    assert_ne!(plan(7), plan(8));
}

#[test]
fn a_short_run_has_every_kind_and_none_that_is_left_out() {
    let kinds = |without: &[Kind]| -> BTreeSet<Kind> {
        Plan::new(7, INTERVAL, without).take(Kind::ALL.len()).map(|fault| fault.kind).collect()
    };
    assert_eq!(kinds(&[]).len(), Kind::ALL.len());
    assert!(!kinds(&[Kind::KillBroker]).contains(&Kind::KillBroker));
}

#[test]
fn the_interval_is_kept_on_average() {
    let sum: Duration = Plan::new(7, INTERVAL, &[]).take(1_000).map(|fault| fault.pause).sum();
    assert!((900..1_100).contains(&sum.as_secs()), "{sum:?}");
}

#[test]
fn kinds_are_known_by_their_names() {
    for (kind, _) in Kind::ALL {
        assert_eq!(Kind::parse(kind.name()), Ok(kind));
    }
    assert!(Kind::parse("kill-everyone").is_err());
}
