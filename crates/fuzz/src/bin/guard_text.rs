//! The output guard, in texts. The first eight bytes say how to cut the rest.
//!
//! However a text is cut, the same comes out. What comes out is what another engine, with the whole text before it, makes of it:
//! no pattern passes, and nothing else is lost. No more is held back than is allowed.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::sync::{Arc, LazyLock};

use fuzz::cut_text;
use guard::{Config, Filter, Guard, PatternConfig, Treatment};
use libfuzzer_sys::fuzz_target;
use regex_automata::{Anchored, Input, meta::Regex};

/// They overlap, look around, begin alike and go on after a match.
const PATTERNS: [(&str, &str); 6] = [
    ("key", r"(?-u:\b)sk-[A-Za-z0-9]{8}[A-Za-z0-9]*"),
    ("repeated", "(?:ab){2,5}c?"),
    ("begun", "b(?:a{1,4}-)?"),
    ("first", "^-[ab]"),
    ("last", "(?m)c$"),
    ("wide", "é{2,3}|cé"),
];

static PLAIN: LazyLock<Arc<Guard>> = LazyLock::new(|| {
    let named = |(name, regex): &(&str, &str)| pattern(name, Some((*regex).to_owned()));
    build(Config { patterns: PATTERNS.iter().map(named).collect(), ..Config::default() })
});

static REGEXES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    PATTERNS.iter().map(|(name, regex)| (*name, Regex::new(regex).expect("a pattern"))).collect()
});

static EVERYTHING: LazyLock<Arc<Guard>> = LazyLock::new(|| {
    let built_in = "private_key aws_access_key openai_key anthropic_key github_token slack_token google_api_key \
                    stripe_key jwt card_number iban email";
    build(Config {
        terminal_escapes: Treatment::Remove,
        control_characters: Treatment::Replace,
        bidi_characters: Treatment::Remove,
        invisible_characters: Treatment::Replace,
        patterns: built_in.split(' ').map(|name| pattern(name, None)).collect(),
        ..Config::default()
    })
});

fuzz_target!(|data: &[u8]| {
    let Some((whole, pieces)) = cut_text(data) else { return };
    let outcome = guarded(&PLAIN, &[whole]);
    assert_eq!(outcome, expected(whole));
    assert_eq!(guarded(&PLAIN, &pieces), outcome);
    assert_eq!(guarded(&EVERYTHING, &pieces), guarded(&EVERYTHING, &[whole]));
});

/// What comes out, however much is found.
fn guarded(guard: &Arc<Guard>, pieces: &[&str]) -> String {
    let mut filter = Filter::new(Arc::clone(guard));
    let mut told = String::new();
    for piece in pieces {
        told.push_str(&filter.push((*piece).into()));
        assert!(filter.held() <= guard.max_held());
    }
    told.push_str(&filter.finish());
    assert!(filter.found().next().is_some() || told == pieces.concat(), "what was not found was lost");
    told
}

/// What the guard says it does, done to a whole text, place by place.
fn expected(text: &str) -> String {
    let (mut out, mut at) = (String::new(), 0);
    'places: while let Some(next) = text[at..].chars().next() {
        for (name, regex) in &*REGEXES {
            if let Some(found) = regex.find(Input::new(text).range(at..).anchored(Anchored::Yes)) {
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

fn pattern(name: &str, regex: Option<String>) -> PatternConfig {
    PatternConfig { name: name.to_owned(), regex, ..PatternConfig::default() }
}

fn build(config: Config) -> Arc<Guard> {
    Arc::new(Guard::build(&config).expect("patterns").expect("rules"))
}
