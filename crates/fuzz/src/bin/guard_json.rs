//! The output guard, inside of JSON. The first eight bytes say how to cut the rest.
//!
//! However it is cut, the same comes out. What was JSON stays JSON, and where nothing is found, the same JSON, except for a number that
//! is so long that it becomes a string.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::sync::{Arc, LazyLock};

use fuzz::cut_text;
use guard::{Config, Guard, JsonFilter, PatternConfig, Treatment};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| {
    let built_in = |name: &str| PatternConfig { name: name.to_owned(), ..PatternConfig::default() };
    let config = Config {
        terminal_escapes: Treatment::Remove,
        control_characters: Treatment::Replace,
        bidi_characters: Treatment::Remove,
        invisible_characters: Treatment::Replace,
        patterns: ["private_key", "aws_access_key", "card_number", "email"].map(built_in).into(),
        ..Config::default()
    };
    Arc::new(Guard::build(&config).expect("patterns").expect("rules"))
});

fuzz_target!(|data: &[u8]| {
    let Some((whole, pieces)) = cut_text(data) else { return };
    let (outcome, is_changed) = guarded(&[whole]);
    assert_eq!(guarded(&pieces), (outcome.clone(), is_changed));
    let Ok(before) = serde_json::from_str::<Value>(whole) else { return };
    let after = serde_json::from_str::<Value>(&outcome);
    let after = after.unwrap_or_else(|error| panic!("{whole:?} became {outcome:?}: {error}"));
    assert!(is_changed || after == before || has_long_number(whole), "{whole:?} became {outcome:?}");
});

fn has_long_number(text: &str) -> bool {
    let is_of_numbers = |c: char| matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9');
    text.split(|c| !is_of_numbers(c)).any(|run| run.len() > 1024)
}

/// What comes out, and whether anything was found.
fn guarded(pieces: &[&str]) -> (String, bool) {
    let mut filter = JsonFilter::new(Arc::clone(&GUARD));
    let mut told: String = pieces.iter().map(|piece| filter.push(piece).to_string()).collect();
    told.push_str(&filter.finish());
    let is_changed = filter.found().next().is_some();
    (told, is_changed)
}
