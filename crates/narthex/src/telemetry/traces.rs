//! Traces of this process: from the settings to a [`Tracer`], and their end.

use std::{sync::Arc, time::Duration};

use engine::Secret;
use http::{HeaderName, HeaderValue, Uri};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use trace::{Exceptions, Tracer};

use super::{
    export::{Http, Patient},
    recorder::OtelRecorder,
};
use crate::{
    config::{self, Config, Role},
    failure::Failure,
};

/// How long the end of the process waits for what was not exported yet.
const FLUSH: Duration = Duration::from_secs(3);

/// What this process tells of its work, and to whom. The default one tells nothing.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    tracer: Tracer,
    provider: Option<SdkTracerProvider>,
}

impl Traces {
    /// Begins to export, if there is somewhere to. To be called in a runtime, which carries the exports.
    ///
    /// Spans wait for their export in a queue of 2,048 (`OTEL_BSP_MAX_QUEUE_SIZE`); one more is dropped. So a receiver that
    /// is down costs that memory and some warnings, and delays nobody.
    pub(crate) fn start(role: Role, config: &Config) -> Result<Self, Failure> {
        let settings = &config.traces;
        let Some(endpoint) = &settings.endpoint else { return Ok(Self::default()) };
        let exporter = Patient::new(exporter(endpoint, settings)?);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).build())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio))))
            .with_resource(resource(role, settings))
            .build();
        let recorder = OtelRecorder::new(provider.tracer("narthex"), config.broker.system());
        let config::Traces { sample_failed: failed, sample_slower_than: slower_than, .. } = *settings;
        let tracer = Tracer::new(Arc::new(recorder), Exceptions { failed, slower_than });
        Ok(Self { tracer, provider: Some(provider) })
    }

    /// By what gateway and worker tell.
    pub(crate) fn tracer(&self) -> Tracer {
        self.tracer.clone()
    }

    /// Exports what is left, for a moment.
    pub(crate) async fn end(self) {
        let Some(provider) = self.provider else { return };
        let flush = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        // A receiver that does not answer was complained of before.
        drop(flush.await);
    }
}

fn exporter(endpoint: &str, settings: &config::Traces) -> Result<SpanExporter, Failure> {
    let wrong = |why: &str| {
        Failure::configuration(format!(
            "traces.endpoint is {endpoint:?}, {why}: write it as http://host:4318 or https://host/path"
        ))
    };
    let url = place(endpoint).ok_or_else(|| wrong("which is no URL to send spans to"))?;
    let mut headers = Vec::new();
    for config::Header { name, value } in &settings.headers {
        headers.push(header(name, value.as_ref())?);
    }
    let client = Http::new(url.starts_with("https:"), settings.timeout, headers)
        .map_err(|error| wrong(&error.to_string()))?;
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_timeout(settings.timeout)
        .build()
        .map_err(|error| wrong(&format!("which cannot be used ({error})")))
}

/// Where exports go.
fn place(endpoint: &str) -> Option<String> {
    let uri: Uri = endpoint.trim().parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_plain = matches!(scheme, "http" | "https") && !authority.as_str().contains('@');
    let path = if matches!(uri.path(), "" | "/") { "/v1/traces" } else { uri.path() };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_plain.then(|| format!("{scheme}://{authority}{path}{query}"))
}

fn header(name: &str, value: Option<&Secret>) -> Result<(HeaderName, HeaderValue), Failure> {
    let name_is = HeaderName::try_from(name).ok();
    let value = value.and_then(|value| HeaderValue::from_str(value.reveal()).ok());
    let Some((name, mut value)) = name_is.zip(value) else {
        return Err(Failure::configuration(format!(
            "traces.headers: {name:?}, or its value, has characters that HTTP does not allow: write it without them"
        )));
    };
    value.set_sensitive(true);
    Ok((name, value))
}

/// Who tells.
fn resource(role: Role, settings: &config::Traces) -> Resource {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_path_is_added_where_there_is_none() {
        assert_eq!(place("http://localhost:4318").as_deref(), Some("http://localhost:4318/v1/traces"));
        assert_eq!(place("https://otlp.example/a/b?c=d").as_deref(), Some("https://otlp.example/a/b?c=d"));
        for wrong in ["localhost:4318", "grpc://localhost:4317", "http://user:password@host", "/v1/traces"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
