//! What the guard costs for each delta: `cargo bench -p guard --bench deltas`.
//!
//! One item is one delta of four characters, of prose in which nothing is found.

use std::sync::Arc;

use bytestring::ByteString;
use divan::{Bencher, counter::ItemsCount};
use guard::{Config, Filter, Guard, JsonFilter, PatternConfig, Treatment};

const PROSE: &str = "The quick brown fox jumps over the lazy dog, as it has done 1,000 times since 1885; \
    nobody asked why. In Köln, 日本 and elsewhere they say it, too: `risk-free` and e.g. item[3] = x + 2.\n";

fn main() {
    divan::main();
}

fn deltas() -> Vec<ByteString> {
    let characters: Vec<char> = PROSE.chars().cycle().take(PROSE.chars().count() * 20).collect();
    characters.chunks(4).map(|piece| piece.iter().collect::<String>().into()).collect()
}

fn characters() -> Config {
    Config {
        terminal_escapes: Treatment::Remove,
        control_characters: Treatment::Remove,
        bidi_characters: Treatment::Remove,
        invisible_characters: Treatment::Remove,
        ..Config::default()
    }
}

fn patterns(names: &[&str]) -> Config {
    let pattern = |name: &&str| PatternConfig { name: (*name).to_owned(), ..PatternConfig::default() };
    Config { patterns: names.iter().map(pattern).collect(), ..characters() }
}

const SECRETS: &[&str] = &[
    "private_key",
    "aws_access_key",
    "openai_key",
    "anthropic_key",
    "github_token",
    "slack_token",
    "google_api_key",
    "stripe_key",
    "jwt",
];

fn measure(bencher: Bencher<'_, '_>, config: &Config) {
    let guard = Arc::new(Guard::build(config).ok().flatten().unwrap_or_else(|| std::process::abort()));
    let deltas = deltas();
    bencher.counter(ItemsCount::new(deltas.len())).bench(|| {
        let mut filter = Filter::new(Arc::clone(&guard));
        for delta in &deltas {
            divan::black_box(filter.push(delta.clone()));
        }
        filter.finish()
    });
}

/// What the loop itself costs: the guard is not there, as by default.
#[divan::bench]
fn off(bencher: Bencher<'_, '_>) {
    let deltas = deltas();
    bencher.counter(ItemsCount::new(deltas.len())).bench(|| {
        for delta in &deltas {
            divan::black_box(
                divan::black_box(&mut None::<Filter>).as_mut().map(|filter| filter.push(delta.clone())),
            );
            divan::black_box(delta.clone());
        }
    });
}

#[divan::bench]
fn characters_only(bencher: Bencher<'_, '_>) {
    measure(bencher, &characters());
}

#[divan::bench]
fn characters_and_secrets(bencher: Bencher<'_, '_>) {
    measure(bencher, &patterns(SECRETS));
}

#[divan::bench]
fn all_built_in(bencher: Bencher<'_, '_>) {
    measure(bencher, &patterns(&[SECRETS, &["card_number", "iban", "email"]].concat()));
}

/// The same, as it is for function arguments.
#[divan::bench]
fn all_built_in_json(bencher: Bencher<'_, '_>) {
    let names = [SECRETS, &["card_number", "iban", "email"]].concat();
    let guard =
        Arc::new(Guard::build(&patterns(&names)).ok().flatten().unwrap_or_else(|| std::process::abort()));
    let deltas = deltas();
    bencher.counter(ItemsCount::new(deltas.len())).bench(|| {
        let mut filter = JsonFilter::new(Arc::clone(&guard));
        filter.push("\"");
        for delta in &deltas {
            divan::black_box(filter.push(delta));
        }
        filter.finish()
    });
}
