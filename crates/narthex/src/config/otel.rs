//! The variables by which OpenTelemetry is set up everywhere: the lowest layer, below the file.
//!
//! Platforms put them into every container. <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>

use std::{collections::BTreeMap, ffi::OsString};

use percent_encoding::percent_decode_str;

use super::layer::{Layer, Origin};

/// What OpenTelemetry's own variables say.
pub(crate) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Layer {
    let said: BTreeMap<String, String> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        // To them a variable that is empty is not set.
        .filter(|(name, value)| name.starts_with("OTEL_") && !value.is_empty())
        .collect();
    let mut reading = Reading { said, layer: Layer::default() };
    if !reading.is("OTEL_SDK_DISABLED", "true") {
        reading.signals();
    }
    reading.layer
}

/// What is said, and what it comes to.
struct Reading {
    said: BTreeMap<String, String>,
    layer: Layer,
}

impl Reading {
    /// What is said of traces and of metrics.
    fn signals(&mut self) {
        self.signal("traces");
        self.signal("metrics");
        let interval = self.one_of(&["OTEL_METRIC_EXPORT_INTERVAL"]);
        self.give("metrics.interval", interval.map(|(name, ms)| (name, format!("{ms}ms"))));
        let waiting = self.one_of(&["OTEL_BSP_MAX_QUEUE_SIZE"]);
        self.give("traces.max_waiting", waiting);
        let ratio = self.ratio();
        self.give("traces.sample_ratio", ratio);
        let name = self.one_of(&["OTEL_SERVICE_NAME"]);
        self.give("traces.service_name", name);
        let attributes = self.one_of(&["OTEL_RESOURCE_ATTRIBUTES"]);
        self.give("traces.resource_attributes", attributes);
    }

    /// Where one signal goes, and with which headers.
    fn signal(&mut self, signal: &str) {
        let upper = signal.to_uppercase();
        if self.is(&format!("OTEL_{upper}_EXPORTER"), "none") {
            return;
        }
        let own = self.one_of(&[&format!("OTEL_EXPORTER_OTLP_{upper}_ENDPOINT")]);
        let base = self.one_of(&["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        let base = base.map(|(name, base)| (name, format!("{}/v1/{signal}", base.trim_end_matches('/'))));
        self.give(&format!("{signal}.endpoint"), own.or(base));
        let headers = format!("OTEL_EXPORTER_OTLP_{upper}_HEADERS");
        let Some((name, headers)) = self.one_of(&[&headers, "OTEL_EXPORTER_OTLP_HEADERS"]) else { return };
        for (index, header) in headers.split(',').filter(|header| !header.trim().is_empty()).enumerate() {
            let (key, value) = header.split_once('=').unwrap_or((header, ""));
            self.give(&format!("{signal}.headers.{index}.name"), Some((name.clone(), key.trim().to_owned())));
            let value = percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
            self.give(&format!("{signal}.headers.{index}.value"), Some((name.clone(), value)));
        }
    }

    /// The ratio that a sampler stands for. Those that are not known here are left alone.
    fn ratio(&self) -> Option<(String, String)> {
        let (name, sampler) = self.one_of(&["OTEL_TRACES_SAMPLER"])?;
        match sampler.trim_start_matches("parentbased_") {
            "always_on" => Some((name, "1".to_owned())),
            "always_off" => Some((name, "0".to_owned())),
            "traceidratio" => self.one_of(&["OTEL_TRACES_SAMPLER_ARG"]).or(Some((name, "1".to_owned()))),
            _ => None,
        }
    }

    /// The first of these variables that is set, and its value.
    fn one_of(&self, names: &[&str]) -> Option<(String, String)> {
        names.iter().find_map(|name| self.said.get_key_value(*name)).map(|(n, v)| (n.clone(), v.clone()))
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.said.get(name).is_some_and(|said| said.eq_ignore_ascii_case(value))
    }

    /// The variable and its value, as the setting `key`.
    fn give(&mut self, key: &str, said: Option<(String, String)>) {
        if let Some((name, value)) = said {
            self.layer.give(key, value, Origin::Variable(name));
        }
    }
}

#[cfg(test)]
mod tests;
