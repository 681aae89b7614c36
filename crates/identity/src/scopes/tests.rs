use proptest::prelude::*;

use super::*;

fn models(names: &[&str]) -> Models {
    Models::Only(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn a_name_or_the_start_of_one() {
    let allowed = models(&["small", "org/*"]);
    for (name, is_allowed) in [
        ("small", true),
        ("smaller", false),
        ("org/large", true),
        ("org", false),
        ("small*", false),
        ("", false),
    ] {
        assert_eq!(allowed.allows(name), is_allowed, "{name}");
    }
    assert!(Models::All.allows("anything"));
    assert!(!Models::default().allows("anything"));
}

#[test]
fn a_pattern_is_covered_by_none_that_is_narrower() {
    let own = models(&["small", "org/*"]);
    for (pattern, is_covered) in [
        ("small", true),
        ("small*", false),
        ("org/a", true),
        ("org/a*", true),
        ("org/*", true),
        ("o*", false),
        ("*", false),
    ] {
        assert_eq!(own.cover(pattern), is_covered, "{pattern}");
    }
}

#[test]
fn words_there_and_back() {
    let scopes = Scopes::read(["model:small", "model:org/*", "client_secrets"]).unwrap();
    assert_eq!(scopes.words(), ["model:org/*", "model:small", "client_secrets"]);
    assert_eq!(Scopes::read(["admin"]).unwrap(), Scopes::everything());
    assert_eq!(Scopes::read(["everything"]), Err(UnknownScope("everything".to_owned())));
    assert_eq!(Scopes::read_known(["openid", "models", "profile"]).models, Models::All);
}

proptest! {
    /// Whatever a covered pattern allows, the cover allows: a client secret is never wider than what made it.
    #[test]
    fn what_is_covered_is_allowed(own in proptest::collection::vec("[ab]{0,3}\\*?", 0..4), wanted in "[ab]{0,3}\\*?", name in "[ab]{0,4}") {
        let own = Models::Only(own.into_iter().collect());
        let narrow = Models::Only([wanted.clone()].into());
        if own.cover(&wanted) && narrow.allows(&name) {
            prop_assert!(own.allows(&name));
        }
    }

    #[test]
    fn what_both_allow(one in proptest::collection::vec("[ab]{0,2}\\*?", 0..4), two in proptest::collection::vec("[ab]{0,2}\\*?", 0..4), name in "[ab]{0,3}") {
        let (one, two) = (Models::Only(one.into_iter().collect()), Models::Only(two.into_iter().collect()));
        prop_assert_eq!(one.within(&two).allows(&name), one.allows(&name) && two.allows(&name));
    }
}
