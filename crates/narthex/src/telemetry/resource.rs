//! Who tells: what is said of this process with all that it exports.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

use crate::config::{Config, Role};

/// This process, to whoever takes its traces and metrics. To be made once: each has an instance's id of its own.
pub(crate) fn resource(role: Role, config: &Config) -> Resource {
    let settings = &config.traces;
    let name = settings.service_name.clone().unwrap_or_else(|| format!("narthex-{}", role.name()));
    let said = settings.resource_attributes.iter().filter_map(|attribute| attribute.split_once('='));
    let said = said.map(|(key, value)| KeyValue::new(key.trim().to_owned(), value.trim().to_owned()));
    let instance = stream::ResponseId::random(0).random_bits();
    Resource::builder_empty()
        .with_attribute(KeyValue::new("service.instance.id", format!("{instance:032x}")))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attributes(said)
        .with_service_name(name)
        .build()
}
