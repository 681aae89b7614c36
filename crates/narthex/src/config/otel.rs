//! The variables by which OpenTelemetry is set up everywhere: the lowest layer, below the file.
//!
//! Platforms put them into every container. <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

use std::{collections::BTreeMap, ffi::OsString};

use percent_encoding::percent_decode_str;

use super::layer::{Layer, Origin};

const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_HEADERS: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// What OpenTelemetry's own variables say.
pub(crate) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Layer {
    let said: BTreeMap<String, String> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        // To them a variable that is empty is not set.
        .filter(|(name, value)| name.starts_with("OTEL_") && !value.is_empty())
        .collect();
    let mut layer = Layer::default();
    let get = |name: &'static str| said.get(name).map(|value| (name, value.as_str()));
    let is_off = said.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || said.get("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
    if is_off {
        return layer;
    }
    let mut give = |key: &str, said: Option<(&'static str, &str)>| {
        if let Some((name, value)) = said {
            layer.give(key, value, Origin::Variable(name.to_owned()));
        }
    };
    let base = get(ENDPOINT).map(|(name, base)| (name, of_base(base)));
    give("traces.endpoint", get(TRACES_ENDPOINT).or(base.as_ref().map(|(name, url)| (*name, url.as_str()))));
    give("traces.service_name", get(SERVICE_NAME));
    give("traces.resource_attributes", get(RESOURCE_ATTRIBUTES));
    give("traces.sample_ratio", ratio(get(SAMPLER), get(SAMPLER_ARG)));
    if let Some((name, headers)) = get(TRACES_HEADERS).or(get(HEADERS)) {
        for (index, header) in headers.split(',').filter(|header| !header.trim().is_empty()).enumerate() {
            let (key, value) = header.split_once('=').unwrap_or((header, ""));
            give(&format!("traces.headers.{index}.name"), Some((name, key.trim())));
            let value = percent_decode_str(value.trim()).decode_utf8_lossy();
            give(&format!("traces.headers.{index}.value"), Some((name, &value)));
        }
    }
    layer
}

/// The place of traces at the base URL of all signals.
fn of_base(base: &str) -> String {
    format!("{}/v1/traces", base.trim_end_matches('/'))
}

/// The ratio that a sampler stands for. Those that are not known here are left alone.
fn ratio<'a>(
    sampler: Option<(&'static str, &'a str)>,
    argument: Option<(&'static str, &'a str)>,
) -> Option<(&'static str, &'a str)> {
    let (name, sampler) = sampler?;
    match sampler.trim_start_matches("parentbased_") {
        "always_on" => Some((name, "1")),
        "always_off" => Some((name, "0")),
        "traceidratio" => argument.or(Some((name, "1"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
