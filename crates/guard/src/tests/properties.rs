//! For any text and any cuts: what comes out is what the whole text becomes, as another engine has it.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use regex_automata::{Anchored, Input, meta::Regex};

use super::{guard, looking_for, whole};
use crate::{Config, Filter, Guard, JsonFilter, Treatment, built_in::BUILT_IN};

/// Patterns that overlap, look around, begin alike and go on after a match.
const TRICKY: &[&str] = &[
    "one=a{3}b",
    "two=(?-u:\\b)ab(?-u:\\b)",
    "three=(?:ab){2,5}c?",
    "four=b(?:a{1,4}-)?",
    "five=^-[ab]",
    "six=é{2,3}|cé",
    "seven=(?m)c$",
    "eight=--a??b*",
    "nine=é(?:a$)?",
];

/// Expressions of the other engine, with their names.
type Named = Vec<(&'static str, Regex)>;

/// What the guard says it does, done to a whole text, place by place.
fn expected(patterns: &[(&str, Regex)], text: &str) -> String {
    let (mut out, mut at) = (String::new(), 0);
    'places: while let Some(next) = text[at..].chars().next() {
        for (name, regex) in patterns {
            let input = Input::new(text).range(at..).anchored(Anchored::Yes);
            if let Some(found) = regex.find(input) {
                out += &format!("[{name}]");
                at = found.end();
                continue 'places;
            }
        }
        out.push(next);
        at += next.len_utf8();
    }
    out
}

/// Pushes `text` cut at `cuts`: nothing is ever told that is not of the outcome, and no more is held than is allowed.
fn in_pieces(guard: &Arc<Guard>, text: &str, cuts: &[usize], outcome: &str) -> String {
    let mut filter = Filter::new(Arc::clone(guard));
    let mut told = String::new();
    for piece in pieces(text, cuts) {
        told.push_str(&filter.push(piece.into()));
        assert!(outcome.starts_with(&told), "{told:?} is not of {outcome:?}");
        assert!(filter.held() <= guard.max_held(), "{} bytes are held", filter.held());
    }
    told.push_str(&filter.finish());
    assert_eq!(filter.held(), 0);
    told
}

fn pieces<'a>(text: &'a str, cuts: &[usize]) -> Vec<&'a str> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    places.retain(|place| text.is_char_boundary(*place));
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..40)
}

/// Text in which secrets, their beginnings and their ends are more frequent than in life.
fn suspicious_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("AKIA".to_owned()),
        Just("sk-ant-".to_owned()),
        Just("sk-proj-".to_owned()),
        Just("-----BEGIN RSA PRIVATE KEY-----".to_owned()),
        Just("-----END RSA PRIVATE KEY-----".to_owned()),
        Just("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx".to_owned()),
        Just("4111 1111 1111 1111".to_owned()),
        Just("DE89 3704 0044 0532 0130 00".to_owned()),
        Just("\x1b[31m".to_owned()),
        Just("\x1b]0;t".to_owned()),
        "[A-Z2-7]{1,20}",
        "[a-zA-Z0-9_-]{1,50}",
        "[a-zA-Z0-9+/=]{20,70}\n",
        "[0-9 -]{1,20}",
        "[a-z.]{1,9}@[a-z.]{1,9}",
        "[ .,\\\\\"\r\n\u{202e}\u{200b}é😀]{1,3}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn tricky_patterns_are_found_as_in_the_whole(text in "[ab]{0,9}[abcé\n -]{0,40}", cuts in cuts(), order in Just(TRICKY.to_vec()).prop_shuffle()) {
        let guard = looking_for(&order);
        let split = |pattern: &&'static str| pattern.split_once('=').unwrap();
        let regexes: Vec<_> = order.iter().map(split).map(|(name, regex)| (name, Regex::new(regex).unwrap())).collect();
        let outcome = expected(&regexes, &text);
        prop_assert_eq!(whole(&guard, &text), &*outcome);
        prop_assert_eq!(in_pieces(&guard, &text, &cuts, &outcome), outcome);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn all_rules_together_do_the_same_to_pieces_as_to_the_whole(text in suspicious_text(), cuts in cuts()) {
        let guard = everything();
        let outcome = whole(&guard, &text);
        prop_assert_eq!(in_pieces(&guard, &text, &cuts, &outcome), outcome);
    }

    #[test]
    fn built_in_patterns_are_found_as_in_the_whole(text in suspicious_text(), cuts in cuts()) {
        let (guard, regexes) = &*PLAIN;
        let outcome = expected(regexes, &text);
        prop_assert_eq!(in_pieces(guard, &text, &cuts, &outcome), outcome);
    }

    #[test]
    fn json_stays_json(text in suspicious_text(), other in suspicious_text(), number in any::<u64>(), fraction in 0.0..1.0, cuts in cuts()) {
        let json = serde_json::json!({ text: [other, number, fraction, true] }).to_string();
        let guard = everything();
        let mut filter = JsonFilter::new(Arc::clone(&guard));
        let mut told: String = pieces(&json, &cuts).into_iter().map(|piece| filter.push(piece).to_string()).collect();
        told.push_str(&filter.finish());
        let mut at_once = JsonFilter::new(guard);
        let outcome = format!("{}{}", at_once.push(&json), at_once.finish());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&outcome).is_ok(), "{} became {}", json, outcome);
        prop_assert_eq!(told, outcome);
    }

    #[test]
    fn a_text_that_is_carried_on_is_masked_as_far_as_it_was_not_shown(text in suspicious_text(), at in any::<usize>()) {
        // As if the predecessor had shown all up to some place without a guard: what the successor tells is the end of what
        // the whole becomes, wherever nothing was found across the border.
        let guard = everything();
        let mut at = at % (text.len() + 1);
        while !text.is_char_boundary(at) { at -= 1; }
        let (shown, rest) = text.split_at(at);
        let mut filter = Filter::after(Arc::clone(&guard), shown);
        let told = format!("{}{}", filter.push(rest.into()), filter.finish());
        if whole(&guard, shown) == shown && whole(&guard, &text).starts_with(shown) {
            prop_assert_eq!(format!("{shown}{told}"), whole(&guard, &text));
        }
    }
}

/// The built-in patterns without check digits, which are not regular: those have examples.
static PLAIN: LazyLock<(Arc<Guard>, Named)> = LazyLock::new(|| {
    let plain = || BUILT_IN.iter().filter(|built_in| built_in.check.is_none());
    let names: Vec<_> = plain().map(|built_in| built_in.name).collect();
    let regexes = plain().map(|built_in| (built_in.name, Regex::new(built_in.regex).unwrap())).collect();
    (looking_for(&names), regexes)
});

/// Built once: it is compiled.
fn everything() -> Arc<Guard> {
    static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| {
        guard(Config {
            terminal_escapes: Treatment::Remove,
            control_characters: Treatment::Replace,
            bidi_characters: Treatment::Remove,
            invisible_characters: Treatment::Replace,
            patterns: BUILT_IN.iter().map(|built_in| super::configured(built_in.name)).collect(),
            ..Config::default()
        })
    });
    Arc::clone(&GUARD)
}
