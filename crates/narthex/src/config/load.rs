//! Lays the layers on top of each other and fills the configuration from what is left.

use std::collections::BTreeMap;

use super::{
    Effective,
    environment::variable_of,
    layer::{Given, Layer, Origin},
    nearest, settings,
};
use crate::failure::Failure;

/// What `layers` say together; a later one counts more. All that is wrong is told at once.
pub(crate) fn load(layers: impl IntoIterator<Item = Layer>) -> Result<Effective, Failure> {
    let mut effective = Effective::default();
    let mut complaints = Vec::new();
    for given in merge(layers).into_values() {
        if let Err(complaint) = apply(&mut effective, given) {
            complaints.push(complaint);
        }
    }
    if complaints.is_empty() { Ok(effective) } else { Err(Failure::configurations(complaints)) }
}

/// One text for each key. What a layer says of a key replaces what earlier ones said of it, of what stands in it,
/// and of what it stands in: `models = "discover"` and `models[0].name` cannot both count.
fn merge(layers: impl IntoIterator<Item = Layer>) -> BTreeMap<String, Given> {
    let mut merged = BTreeMap::new();
    for layer in layers {
        merged.retain(|old: &String, _| {
            let whole = layer.whole.iter().any(|list| is_within(old, list));
            let said = layer.given.iter().any(|new| is_within(old, &new.key) || is_within(&new.key, old));
            !whole && !said
        });
        merged.extend(layer.given.into_iter().map(|given| (given.key.clone(), given)));
    }
    merged
}

/// Whether `key` is `table`, or stands in it.
fn is_within(key: &str, table: &str) -> bool {
    key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn apply(effective: &mut Effective, given: Given) -> Result<(), String> {
    let Some((setting, indices)) = settings::find(&given.key) else { return Err(unknown(&given)) };
    let mut place = (setting.place)(&mut effective.config, &indices);
    if place.is_secret() && matches!(given.origin, Origin::Flag(_)) {
        return Err(format!(
            "{}: every user of this machine can read a command line, so `{}` cannot stand there: set {} instead",
            given.origin,
            given.key,
            variable_of(&given.key)
        ));
    }
    place.set(&given.text).map_err(|expected| {
        let found = place.quote(&given.text);
        match &given.origin {
            Origin::Flag(flag) if *flag != "--set" => format!("{flag}: {found} is not {expected}"),
            origin => format!("{origin}: `{}` is {found}, but must be {expected}", given.key),
        }
    })?;
    drop(place);
    // A model's bare name is the `name` of an entry.
    let bare = settings::bare(setting).is_some() && !given.key.ends_with(".name");
    let key = if bare { format!("{}.name", given.key) } else { given.key };
    effective.origins.insert(key, given.origin);
    Ok(())
}

/// The complaint about a key that is no setting.
fn unknown(given: &Given) -> String {
    let spell = |key: String| match given.origin {
        Origin::Variable(_) => variable_of(&key),
        _ => format!("`{key}`"),
    };
    let name = match &given.origin {
        // The variable's own name is told already.
        Origin::Variable(_) => String::new(),
        _ => format!(" `{}`", given.key),
    };
    let advice = if let Some(within) = nearest::inside(&given.key) {
        format!("is a table; set what is in it, such as {}", spell(within))
    } else if let Some(meant) = nearest::nearest(&given.key) {
        format!("is no setting; did you mean {}?", spell(meant))
    } else {
        "is no setting; `narthex config` lists all of them".to_owned()
    };
    let colon = if name.is_empty() { "" } else { ":" };
    format!("{}{colon}{name} {advice}", given.origin)
}
