//! What a setting is, and how it is found by its name.

use super::{Config, catalogue, value::Slot};

/// Lists are short: an index beyond this is a slip.
pub(super) const MAX_ENTRIES: usize = 256;

/// One thing that can be set.
pub(crate) struct Setting {
    /// Its name: the path in the file, with dots. A `*` stands for an index.
    pub(super) key: &'static str,
    /// What it means, for people.
    pub(super) about: &'static str,
    /// Where it goes in the configuration, given the indices.
    pub(super) place: Place,
}

type Place = for<'a> fn(&'a mut Config, &[usize]) -> Slot<'a>;

pub(super) const fn setting(key: &'static str, about: &'static str, place: Place) -> Setting {
    Setting { key, about, place }
}

/// How many entries a list has.
pub(super) fn entries(config: &Config, list: &str, indices: &[usize]) -> usize {
    match (list, indices) {
        ("worker.guard.patterns", _) => config.guard.patterns.len(),
        ("upstream", _) => config.upstream.len(),
        ("upstream.*.headers", [upstream, ..]) => {
            config.upstream.get(*upstream).map_or(0, |u| u.headers.len())
        }
        ("upstream.*.models", [upstream, ..]) => config.upstream.get(*upstream).map_or(0, |u| u.models.len()),
        ("metrics.headers", _) => config.metrics.headers.len(),
        ("traces.headers", _) => config.traces.headers.len(),
        ("auth.jwt", _) => config.auth.jwt.len(),
        _ => 0,
    }
}

/// The setting that `key` names, and the indices in it.
///
/// A model or pattern given by its bare name (`models = ["a", "b"]`) is the `name` of an entry.
pub(super) fn find(key: &str) -> Option<(&'static Setting, Vec<usize>)> {
    catalogue::settings().find_map(|setting| {
        let indices =
            matches(setting.key, key).or_else(|| matches(setting.key.strip_suffix(".name")?, key))?;
        Some((setting, indices))
    })
}

/// Whether `key` is a setting that takes a list of texts.
pub(super) fn is_list(key: &str) -> bool {
    find(key).is_some_and(|(setting, indices)| (setting.place)(&mut Config::default(), &indices).is_list())
}

/// What a setting is called where its list has bare values in place of tables.
pub(super) fn bare(setting: &Setting) -> Option<&'static str> {
    setting
        .key
        .strip_suffix(".name")
        .filter(|list| list.ends_with(".models.*") || list.ends_with(".patterns.*"))
}

fn matches(pattern: &str, key: &str) -> Option<Vec<usize>> {
    let mut indices = Vec::new();
    let (mut pattern, mut key) = (pattern.split('.'), key.split('.'));
    loop {
        match (pattern.next(), key.next()) {
            (None, None) => return Some(indices),
            (Some("*"), Some(index)) => indices.push(index.parse().ok().filter(|i| *i < MAX_ENTRIES)?),
            (Some(name), Some(segment)) if name == segment => {}
            _ => return None,
        }
    }
}
