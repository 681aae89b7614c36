//! The outcome: a configuration, and who said what.

use std::collections::BTreeMap;

use super::{
    Config,
    catalogue::PARTS,
    layer::Origin,
    settings::{self, Setting},
};

/// A configuration and the origin of each of its values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effective {
    /// What counts.
    pub(crate) config: Config,
    /// Who said so, by key; what is missing is the default.
    pub(super) origins: BTreeMap<String, Origin>,
}

/// One value that counts.
pub(super) struct Item {
    /// Its key, with indices.
    pub(super) key: String,
    /// The value, as TOML.
    pub(super) value: toml::Value,
    /// Who said so.
    pub(super) origin: Origin,
}

impl Effective {
    /// All values that are set, in the order of the settings, list entry after list entry.
    pub(super) fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        // A place is reached through `&mut`, as settings are mostly for setting.
        let mut config = self.config.clone();
        for part in PARTS {
            self.expand(&mut config, part, &mut Vec::new(), &mut items);
        }
        items
    }

    fn expand(&self, config: &mut Config, all: &[Setting], indices: &mut Vec<usize>, items: &mut Vec<Item>) {
        let mut rest = all;
        while let Some(setting) = rest.first() {
            let Some(list) = list_below(setting.key, indices.len()) else {
                items.extend(self.item(config, setting, indices));
                rest = &rest[1..];
                continue;
            };
            let within = |other: &&Setting| list_below(other.key, indices.len()) == Some(list);
            let group = rest.iter().take_while(within).count();
            for index in 0..settings::entries(config, list, indices) {
                indices.push(index);
                self.expand(config, &rest[..group], indices, items);
                indices.pop();
            }
            rest = &rest[group..];
        }
    }

    fn item(&self, config: &mut Config, setting: &Setting, indices: &[usize]) -> Option<Item> {
        let value = (setting.place)(config, indices).show()?;
        let mut indices = indices.iter();
        let segments = setting.key.split('.').map(|segment| match segment {
            "*" => indices.next().map_or_else(String::new, usize::to_string),
            name => name.to_owned(),
        });
        let key = segments.collect::<Vec<_>>().join(".");
        let origin = self.origins.get(&key).cloned().unwrap_or(Origin::Default);
        Some(Item { key, value, origin })
    }
}

/// The list that `pattern` goes through next, when `depth` indices are known.
fn list_below(pattern: &'static str, depth: usize) -> Option<&'static str> {
    let (star, _) = pattern.match_indices(".*").nth(depth)?;
    Some(&pattern[..star])
}
