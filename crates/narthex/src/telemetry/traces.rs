//! Traces of this process: from the settings to a [`Tracer`], and their end.

use std::sync::Arc;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use trace::{Exceptions, Tracer};

use super::{
    destination::Destination,
    export::Patient,
    losses::{Complaints, Losses},
    queue::{Bounded, Waiting},
    recorder::OtelRecorder,
};
use crate::{
    config::{self, Config},
    failure::Failure,
};

/// What this process tells of its work, and to whom. The default one tells nothing.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    tracer: Tracer,
    provider: Option<SdkTracerProvider>,
}

impl Traces {
    /// Begins to export, if there is somewhere to. To be called in a runtime, which carries the exports.
    ///
    /// Spans wait for their export in a queue of 2,048 (`traces.max_waiting`); one more is dropped. So a receiver that
    /// is down costs that memory and some warnings, and delays nobody.
    pub(crate) fn start(resource: &Resource, config: &Config, losses: &Losses) -> Result<Self, Failure> {
        let settings = &config.traces;
        let Some(endpoint) = &settings.endpoint else { return Ok(Self::default()) };
        let (max, waiting) = (settings.max_waiting, Waiting::default());
        let complaints = Complaints::new("traces", losses.not_taken());
        let exporter = Patient::new(exporter(endpoint, settings)?, waiting.clone(), complaints);
        let batches = BatchConfigBuilder::default().with_max_queue_size(max).build();
        let next = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Bounded { next, waiting, max, dropped: losses.queue_full() })
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio))))
            .with_resource(resource.clone())
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
        let flush = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(super::FLUSH));
        // A receiver that does not answer was complained of before.
        drop(flush.await);
    }
}

fn exporter(endpoint: &str, settings: &config::Traces) -> Result<SpanExporter, Failure> {
    let config::Traces { headers, timeout, .. } = settings;
    let destination = Destination { signal: "traces", endpoint, headers, timeout: *timeout };
    let (url, client) = destination.open()?;
    SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_timeout(*timeout)
        .build()
        .map_err(|error| destination.wrong(&format!("which cannot be used ({error})")))
}
