//! What was probably meant.

use super::{catalogue, settings};

/// Below this the suggestion would be a guess.
const LIKELY: f64 = 0.80;

/// How much a likeness of the last part alone counts.
const MISPLACED: f64 = 0.95;

/// The known key that is most like `key`, if one is.
pub(super) fn nearest(key: &str) -> Option<String> {
    let likeness = |candidate: &str| {
        let whole = strsim::jaro_winkler(key, candidate);
        // The right name at the wrong place: `grace` for `gateway.grace`.
        let name = strsim::jaro_winkler(last(key), last(candidate)) * MISPLACED;
        whole.max(name)
    };
    catalogue::settings()
        .map(|setting| with_indices(setting.key, key))
        .map(|candidate| (likeness(&candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKELY)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// A setting under `key`, if `key` is a table.
pub(super) fn inside(key: &str) -> Option<String> {
    let prefix = format!("{key}.");
    catalogue::settings()
        .map(|setting| with_indices(setting.key, key))
        .find(|known| known.starts_with(&prefix))
}

/// The pattern with the indices that `key` has, and 0 for others.
fn with_indices(pattern: &str, key: &str) -> String {
    let mut indices = key.split('.').filter_map(|segment| segment.parse::<usize>().ok());
    let mut name = String::with_capacity(pattern.len());
    for (position, segment) in pattern.split('.').enumerate() {
        if position > 0 {
            name.push('.');
        }
        if segment == "*" {
            let index = indices.next().unwrap_or_default().min(settings::MAX_ENTRIES - 1);
            name.push_str(&index.to_string());
        } else {
            name.push_str(segment);
        }
    }
    name
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
