//! What is found, what is masked, and how much waits for it.

use bytestring::ByteString;

use super::{by_character, configured, guard, looking_for, whole};
use crate::{Action, Config, ConfigError, Effect, Filter, Guard, Needs, PatternConfig, built_in::BUILT_IN};

/// One example of each built-in pattern. In parts, so that nobody who looks for leaked keys finds these.
fn examples() -> Vec<(&'static str, String)> {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let key = |kind: &str, head: &str| {
        format!("-----BEGIN {kind}-----\n{head}{line}\n{line}\nMzEfYyjiWA4R4/M2bS1\n-----END {kind}-----")
    };
    vec![
        ("private_key", key("PRIVATE KEY", "")),
        ("private_key", key("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0102\n\n")),
        ("private_key", key("OPENSSH PRIVATE KEY", "").replace('\n', "\\n")),
        ("private_key", key("PGP PRIVATE KEY BLOCK", "Version: 1\n\n")),
        ("aws_access_key", format!("{}IOSFODNN7EXAMPLE", "AKIA")),
        ("openai_key", format!("sk-{}-{}", "proj", "a1B2".repeat(20))),
        ("openai_key", format!("{}{}", "sk-", "a1B2".repeat(12))),
        ("anthropic_key", format!("{}-ant-api03-{}AA", "sk", "x-Y_9".repeat(18))),
        ("github_token", format!("{}_{}", "ghp", "a1B2c3".repeat(6))),
        ("github_token", format!("github_{}_{}_{}", "pat", "A1".repeat(11), "b2".repeat(29))),
        ("slack_token", format!("{}-1234567890-abcdef", "xoxb")),
        ("google_api_key", format!("{}{}", "AIza", "Sy_12".repeat(7))),
        ("stripe_key", format!("sk_{}_{}", "live", "a1B2".repeat(6))),
        ("jwt", format!("{}.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl", "eyJhbGciOiJIUzI1NiJ9")),
        ("card_number", "4111 1111 1111 1111".to_owned()),
        ("card_number", "3782-822463-10005".to_owned()),
        ("iban", "DE89 3704 0044 0532 0130 00".to_owned()),
        ("email", "ada.lovelace+engine@example.co.uk".to_owned()),
    ]
}

#[test]
fn every_built_in_pattern_finds_its_thing_however_it_is_cut() {
    for (name, example) in examples() {
        let guard = looking_for(&[name]);
        let text = format!("See ({example}), ok?");
        assert_eq!(whole(&guard, &text), format!("See ([{name}]), ok?"), "{example}");
        assert_eq!(by_character(&guard, &text).concat(), format!("See ([{name}]), ok?"), "{example}");
    }
    for built_in in BUILT_IN {
        assert!(
            examples().iter().any(|(name, _)| *name == built_in.name),
            "{} has no example",
            built_in.name
        );
    }
}

#[test]
fn what_only_looks_alike_stays() {
    let names: Vec<_> = BUILT_IN.iter().map(|built_in| built_in.name).collect();
    let guard = looking_for(&names);
    for text in [
        "risk-management-and-mitigation-plan-2026",
        "A PEM file begins with -----BEGIN CERTIFICATE----- and so on.",
        "Order 4111 1111 1111 1112 from 2026-11-22 10:00:00, call 555 0123 4567.",
        "DE00 3704 0044 0532 0130 00 is no account",
        "@mention, a@b, user@localhost",
        "eyJ is how a token begins; sk- too, and AKIA.",
        "3.14159265358979323846264338327950288",
    ] {
        assert_eq!(whole(&guard, text), text);
    }
}

#[test]
fn a_key_that_is_only_begun_takes_no_prose_with_it() {
    let guard = looking_for(&["private_key"]);
    let text = "Put -----BEGIN PRIVATE KEY----- on the first line, then the base64 of it.";
    assert_eq!(whole(&guard, text), "Put [private_key] on the first line, then the base64 of it.");
}

#[test]
fn nothing_waits_that_need_not() {
    let guard = looking_for(&["word=aab", "number=[0-9]{3}"]);
    // Of `aaa` the first cannot begin a match any more.
    let expected = ["x", "", "", "a", "", "[word]", "", "", "12y", ""];
    assert_eq!(by_character(&guard, "xaaab12y").concat(), "xa[word]12y");
    assert_eq!(by_character(&guard, "xaaaby12y")[..4], expected[..4]);
    assert_eq!(by_character(&guard, "a"), ["", "a"]);
}

#[test]
fn a_mask_is_told_before_its_end_is_known() {
    let guard = looking_for(&["key=k[0-9]{2}[0-9]*"]);
    assert_eq!(by_character(&guard, "ak12345678."), ["a", "", "", "", "[key]", "", "", "", "", "", ".", ""]);
}

#[test]
fn the_first_place_counts_and_there_the_first_pattern() {
    let guard = looking_for(&["short=ab", "long=abcd", "later=bcdef"]);
    assert_eq!(whole(&guard, "abcdef"), "[short]cdef");
    let guard = looking_for(&["long=abcd", "short=ab", "later=bcdef"]);
    assert_eq!(whole(&guard, "abcdef abxcdef"), "[long]ef [short]xcdef");
}

#[test]
fn what_passes_is_not_copied() {
    let guard = looking_for(&["card_number"]);
    let mut filter = Filter::new(guard);
    let text = ByteString::from("Nothing to see here, 41");
    let passed = filter.push(text.clone());
    assert_eq!(&*passed, "Nothing to see here, ");
    assert_eq!(passed.as_ptr(), text.as_ptr());
}

#[test]
fn a_pattern_that_stops_ends_the_text_before_it() {
    let stop = PatternConfig { action: Action::Stop, ..configured("github_token") };
    let guard = guard(Config { patterns: vec![configured("email"), stop], ..Config::default() });
    let token = format!("{}_{}", "ghp", "a1B2c3".repeat(6));
    let mut filter = Filter::new(guard);
    assert_eq!(&*filter.push(format!("a@b.org: {token}").into()), "[email]: ");
    assert!(!filter.is_stopped(), "its end is told by what follows");
    assert_eq!(&*filter.push(" and more".into()), "");
    assert!(filter.is_stopped());
    assert_eq!((&*filter.push("more".into()), &*filter.finish()), ("", ""));
    let found: Vec<_> =
        filter.found().map(|(rule, count)| (rule.name.to_owned(), rule.effect, count)).collect();
    assert_eq!(
        found,
        [("email".to_owned(), Effect::Masked, 1), ("github_token".to_owned(), Effect::Stopped, 1)]
    );
}

#[test]
fn what_was_shown_counts_for_what_follows_and_is_not_told_again() {
    let guard = looking_for(&["key=k[0-9]{4}", "word=(?-u:\\b)end(?-u:\\b)"]);
    let after = |shown: &str, rest: &str| {
        let mut filter = Filter::after(guard.clone(), shown);
        format!("{}{}", filter.push(rest.into()), filter.finish())
    };
    assert_eq!(after("my k12", "34!"), "[key]!", "the rest of it is masked");
    assert_eq!(after("my k12", "x4!"), "x4!");
    assert_eq!(after("my k1234", " k1234"), " [key]", "what was shown whole is past");
    assert_eq!(after("the b", "end"), "end", "one word with what was shown");
    assert_eq!(after("the ", "end"), "[word]");
    assert_eq!(after(&"é".repeat(300), "k1234"), "[key]");
}

#[test]
fn a_pattern_that_cannot_be_used_says_why() {
    let refused = |pattern: &str| {
        let patterns = vec![configured(pattern)];
        Guard::build(&Config { patterns, ..Config::default() }).unwrap_err()
    };
    let needs = |error| match error {
        ConfigError::Unbounded { needs, .. } => needs,
        error => panic!("{error}"),
    };
    assert_eq!(needs(refused("x=a.*b")), Needs::Unbounded);
    assert_eq!(needs(refused("x=a(?s:.*b)?")), Needs::Unbounded, "after a match, too");
    assert_eq!(needs(refused("x=a[0-9]{300}")), Needs::Bytes(301));
    for (pattern, reason) in [
        ("x=a(b", "the pattern `x` cannot be used: regex parse error: a(b ^ error: unclosed group"),
        ("x=a*", "also matches the empty text"),
        ("x=a\\b", "write `(?-u:\\b)` for `\\b`"),
        ("x=\\w{1,200}z", "the pattern `x` cannot be used"),
        ("opnai_key", "is not built in: give it one, or use one of `private_key`,"),
        ("email=x", "the name `email` is taken"),
        ("bidi_characters=x", "the name `bidi_characters` is taken"),
        ("=x", "has no `name`"),
    ] {
        let error = refused(pattern).to_string();
        assert!(error.contains(reason), "{error}");
    }
    let quoting = PatternConfig { replacement: Some("\"".to_owned()), ..configured("email") };
    let error = Guard::build(&Config { patterns: vec![quoting], ..Config::default() }).unwrap_err();
    assert_eq!(error, ConfigError::Replacement("email".to_owned()));
}

#[test]
fn nothing_to_do_is_no_guard() {
    assert!(Guard::build(&Config::default()).unwrap().is_none());
}

#[test]
fn the_page_tells_how_much_each_pattern_holds_back() {
    let page = include_str!("../../../../docs/guard.md");
    let row = |name: &str| {
        let held = looking_for(&[name]).max_held_for(name).unwrap();
        (format!("| `{name}` | "), format!(" | {held} bytes |"))
    };
    let rows = BUILT_IN.iter().map(|built_in| row(built_in.name));
    let missing: Vec<_> = rows
        .filter(|(head, tail)| !page.lines().any(|line| line.starts_with(head) && line.ends_with(tail)))
        .collect();
    assert!(missing.is_empty(), "docs/guard.md has to say {missing:?}");
}
