//! The effective configuration for people (TOML) and for programs (JSON).

use std::fmt::Write;

use super::effective::{Effective, Item};

impl Effective {
    /// TOML that can be read again, each line with its origin. Secrets are masked, and so must be set again.
    pub(crate) fn to_toml(&self) -> String {
        let mut out = String::new();
        let mut table = String::new();
        for item in self.items() {
            let (place, name) = item.key.rsplit_once('.').unwrap_or(("", &item.key));
            if place != table {
                write_header(&mut out, place);
                place.clone_into(&mut table);
            }
            let line = format!("{name} = {}", item.value);
            let pad = 48_usize.saturating_sub(line.len());
            let _ = writeln!(out, "{line}{:pad$} # {}", "", provenance(&item));
        }
        out
    }

    /// One object: the values as a tree, and the origin of each key.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut tree = serde_json::Value::Null;
        let mut origins = serde_json::Map::new();
        for item in self.items() {
            *slot(&mut tree, &item.key) = scalar(&item.value);
            origins.insert(item.key, item.origin.to_string().into());
        }
        serde_json::json!({ "settings": tree, "origins": origins })
    }
}

fn provenance(item: &Item) -> String {
    match item.origin {
        super::Origin::Default => "default".to_owned(),
        ref origin => format!("from {origin}"),
    }
}

/// `upstream.0.models.1.timeouts` is `[upstream.models.timeouts]` after its entry's `[[upstream.models]]`.
fn write_header(out: &mut String, place: &str) {
    let names: Vec<_> = place.split('.').filter(|segment| segment.parse::<usize>().is_err()).collect();
    let is_entry = place.rsplit('.').next().is_some_and(|last| last.parse::<usize>().is_ok());
    let name = names.join(".");
    let _ = if is_entry { writeln!(out, "\n[[{name}]]") } else { writeln!(out, "\n[{name}]") };
}

fn scalar(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Boolean(yes) => (*yes).into(),
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Array(list) => list.iter().map(scalar).collect(),
        other => other.to_string().into(),
    }
}

/// The place of `key` in a tree of objects and arrays, which grows as needed.
fn slot<'a>(tree: &'a mut serde_json::Value, key: &str) -> &'a mut serde_json::Value {
    key.split('.').fold(tree, |node, segment| match segment.parse::<usize>() {
        Ok(index) => {
            if !node.is_array() {
                *node = serde_json::Value::Array(Vec::new());
            }
            // Items come in order, so that an index is at most one beyond the end.
            if let serde_json::Value::Array(list) = &mut *node
                && list.len() <= index
            {
                list.resize(index + 1, serde_json::Value::Null);
            }
            &mut node[index]
        }
        Err(_) => &mut node[segment],
    })
}
