//! Inside of JSON.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{configured, guard, looking_for};
use crate::{Action, Config, Guard, JsonFilter, PatternConfig, Treatment};

fn whole(guard: &Arc<Guard>, text: &str) -> String {
    let mut filter = JsonFilter::new(Arc::clone(guard));
    format!("{}{}", filter.push(text), filter.finish())
}

fn by_character(guard: &Arc<Guard>, text: &str) -> String {
    let mut filter = JsonFilter::new(Arc::clone(guard));
    let mut out: String = text.chars().map(|c| filter.push(&c.to_string()).to_string()).collect();
    out.push_str(&filter.finish());
    out
}

#[test]
fn what_was_json_stays_so() {
    let patterns = vec![configured("card_number"), configured("email"), configured("greedy=x[^ ]{1,20}")];
    let control_characters = Treatment::Remove;
    let guard = guard(Config { control_characters, patterns, ..Config::default() });
    for (text, expected) in [
        (r#"{"to": "a@b.org", "n": 4111111111111111}"#, json!({"to": "[email]", "n": "[card_number]"})),
        (r#"{"a":"x","b":"y z"}"#, json!({"a": "x", "b": "y z"})),
        (r#"["xa","xb\"c"]"#, json!(["[greedy]", "[greedy]"])),
        (
            r#"["\u0061@\u0062.org", "\ud83d\ude00\u00e9\/\\\"\n", "\u001b[31m\u0000"]"#,
            json!(["[email]", "😀é/\\\"\n", "[31m"]),
        ),
        (r#"{"a@b.org": [true, null, -1.5e3]}"#, json!({"[email]": [true, null, -1.5e3]})),
        (
            "[-4111111111111111, 0.4111111111111111,\r4111111111111111e0 ]\r",
            json!(["-[card_number]", "0.[card_number]", 4111111111111111e0]),
        ),
        (r#"["\ud83d", "\ud83da"]"#, json!(["\u{fffd}", "\u{fffd}a"])),
    ] {
        let out = whole(&guard, text);
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected, "{text} became {out}");
        assert_eq!(by_character(&guard, text), out);
    }
}

/// As found by `guard_json` of the fuzz targets: a card number with many digits behind its point.
#[test]
fn a_long_number_stays_json() {
    let guard = looking_for(&["card_number"]);
    for length in [80, 1023, 1024, 1025, 5000] {
        let (card, number) = ("5".repeat(length - 17), "5".repeat(length - 4));
        for (number, expected) in [
            (format!("4111111111111111.{card}"), format!("[card_number].{card}")),
            (format!("0.{number}e4"), format!("0.{number}e4")),
        ] {
            let text = format!("[{number},{{\"a\": {number} }}, 1]");
            let out = whole(&guard, &text);
            let is_string = number != expected || length > 1024;
            let expected = if is_string { format!("\"{expected}\"") } else { expected };
            assert_eq!(out, format!("[{expected},{{\"a\": {expected} }}, 1]"));
            assert_eq!(by_character(&guard, &text), out);
            assert_eq!(whole(&guard, &number), expected);
        }
    }
}

#[test]
fn what_is_no_json_is_guarded_too() {
    let guard = looking_for(&["email"]);
    for (text, expected) in [
        ("1 a@b.org", r#"1 "[email]""#),
        ("write to a@b.org", r#"write to "[email]""#),
        (r#"{"a": "a@b.org"#, r#"{"a": "[email]"#),
        (r#"{"a": "\x \u12 \"#, r#"{"a": "\\x \\u12 \\"#),
    ] {
        assert_eq!(
            (whole(&guard, text), by_character(&guard, text)),
            (expected.to_owned(), expected.to_owned())
        );
    }
}

#[test]
fn a_string_with_what_stops_ends_before_it() {
    let stop = PatternConfig { action: Action::Stop, ..configured("email") };
    let guard = guard(Config { patterns: vec![stop], ..Config::default() });
    let mut filter = JsonFilter::new(guard);
    assert_eq!(&*filter.push(r#"{"to":"to a@b.org","x":1}"#), r#"{"to":"to "#);
    assert!(filter.is_stopped());
    assert_eq!((&*filter.push("x\"y\""), &*filter.finish()), ("", ""));
}
