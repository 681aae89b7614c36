//! The spans that wait for their export: a bounded number, and one more is dropped and counted. The SDK would say so at the end of the
//! process only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use prometheus_client::metrics::counter::Counter;

/// How many spans wait. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// So many of them are being exported now.
    pub(super) fn leave(&self, spans: usize) {
        self.0.fetch_sub(spans, Ordering::Relaxed);
    }

    /// Whether one more may wait; it does then.
    fn enter(&self, max: usize) -> bool {
        let enter = |waiting| (waiting < max).then_some(waiting + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter).is_ok()
    }
}

/// Takes so many spans into the queue of `next` as it has room for.
#[derive(Debug)]
pub(super) struct Bounded<P> {
    pub(super) next: P,
    pub(super) waiting: Waiting,
    /// How many may wait; `next` has room for no less.
    pub(super) max: usize,
    pub(super) dropped: Counter,
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        // What is not sampled is not exported, so it would never leave.
        if !span.span_context.is_sampled() {
            return;
        }
        if self.waiting.enter(self.max) {
            self.next.on_end(span);
        } else {
            self.dropped.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
