//! Texts in and out, in pieces and whole.

mod json;
mod patterns;
mod properties;
mod screen;

use std::sync::Arc;

use crate::{Config, Filter, Guard, PatternConfig};

fn guard(config: Config) -> Arc<Guard> {
    Arc::new(Guard::build(&config).unwrap().unwrap())
}

/// A guard of patterns: built-in ones by their names, others as `name=regex`.
fn looking_for(patterns: &[&str]) -> Arc<Guard> {
    guard(Config {
        patterns: patterns.iter().map(|pattern| configured(pattern)).collect(),
        ..Config::default()
    })
}

fn configured(pattern: &str) -> PatternConfig {
    match pattern.split_once('=') {
        Some((name, regex)) => {
            PatternConfig { name: name.to_owned(), regex: Some(regex.to_owned()), ..PatternConfig::default() }
        }
        None => PatternConfig { name: pattern.to_owned(), ..PatternConfig::default() },
    }
}

/// What becomes of a whole text.
fn whole(guard: &Arc<Guard>, text: &str) -> String {
    let mut filter = Filter::new(Arc::clone(guard));
    format!("{}{}", filter.push(text.into()), filter.finish())
}

/// What comes out for each character, and at the end.
fn by_character(guard: &Arc<Guard>, text: &str) -> Vec<String> {
    let mut filter = Filter::new(Arc::clone(guard));
    let mut out: Vec<_> = text.chars().map(|c| filter.push(c.to_string().into()).to_string()).collect();
    out.push(filter.finish().to_string());
    out
}
