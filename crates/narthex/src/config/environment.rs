//! The environment layer: `NARTHEX_GATEWAY__GRACE=60s` is `gateway.grace`.

use std::ffi::OsString;

use super::layer::{Layer, Origin};
use crate::failure::Failure;

const PREFIX: &str = "NARTHEX_";

/// The variable that names the configuration file; it is no setting itself.
pub(crate) const CONFIG_FILE: &str = "NARTHEX_CONFIG";

/// The variable in which clients have their key, `narthex bench` among them. Who tries a server often starts it in the same shell.
pub(crate) const API_KEY: &str = "NARTHEX_API_KEY";

/// The settings among `variables`.
pub(crate) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Layer, Failure> {
    let mut layer = Layer::default();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if matches!(name, CONFIG_FILE | API_KEY) || is_service_link(name) {
            continue;
        }
        let value = value.into_string().map_err(|_| {
            Failure::configuration(format!("{name} is not valid UTF-8: set it again, or unset it"))
        })?;
        layer.give(key_of(name), value, Origin::Variable(name.to_owned()));
    }
    // The environment has no order of its own; complaints shall have one.
    layer.given.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(layer)
}

/// The key that a variable stands for.
fn key_of(name: &str) -> String {
    name.trim_start_matches(PREFIX).to_ascii_lowercase().replace("__", ".")
}

/// The variable that stands for a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// Whether Kubernetes made the variable up for a Service called `narthex…`.
///
/// It puts `NARTHEX_GATEWAY_SERVICE_HOST`, `NARTHEX_GATEWAY_PORT_8080_TCP_ADDR` and their like into every pod of
/// the namespace. Taking those for misspelled settings would stop the start of a correct deployment.
fn is_service_link(name: &str) -> bool {
    let is_port = |rest: &str| {
        let mut parts = rest.splitn(3, '_');
        parts.next().is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
            && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
            && matches!(parts.next(), None | Some("ADDR" | "PORT" | "PROTO"))
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT")
        || name.match_indices("_PORT_").any(|(at, found)| is_port(&name[at + found.len()..]))
}
