//! What was to leave this process, and did not: counted, and said now and then.

use std::{fmt::Display, time::Duration};

use parking_lot::Mutex;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::time::Instant;

/// While a receiver is down, one line in so long says so.
const COMPLAINTS: Duration = Duration::from_secs(60);

/// Counts what is lost. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Losses {
    spans: Family<ReasonLabel, Counter>,
    points: Counter,
}

/// By why: `queue_full`, `not_taken`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

impl Losses {
    /// Tells of them in `registry`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let (spans, points) = (self.spans.clone(), self.points.clone());
        // There from the start, so that the first one is an increase.
        drop((self.queue_full(), self.not_taken()));
        registry.register("narthex_traces_dropped_spans", "Spans that were recorded and not exported", spans);
        let help = "Data points that were pushed and not taken; the next push tells the same, and more";
        registry.register("narthex_metrics_dropped_points", help, points);
    }

    /// Spans for which there was no room to wait.
    pub(super) fn queue_full(&self) -> Counter {
        self.spans_lost("queue_full")
    }

    /// Spans that the receiver did not take.
    pub(super) fn not_taken(&self) -> Counter {
        self.spans_lost("not_taken")
    }

    /// Data points that the receiver did not take.
    pub(super) fn points(&self) -> Counter {
        self.points.clone()
    }

    fn spans_lost(&self, reason: &'static str) -> Counter {
        self.spans.get_or_create(&ReasonLabel { reason }).clone()
    }
}

/// What becomes of the exports of one signal, said now and then.
#[derive(Debug)]
pub(super) struct Complaints {
    signal: &'static str,
    lost: Counter,
    trouble: Mutex<Option<Trouble>>,
}

/// A receiver that takes nothing.
#[derive(Debug)]
struct Trouble {
    told_at: Instant,
    /// What was lost since.
    lost: u64,
}

impl Complaints {
    /// Of `signal`, whose losses are counted by `lost`.
    pub(super) const fn new(signal: &'static str, lost: Counter) -> Self {
        Self { signal, lost, trouble: Mutex::new(None) }
    }

    /// Counts what an export of `count` came to, and says it, if it is time to.
    pub(super) fn note<E: Display>(&self, count: u64, result: Result<(), E>) {
        let signal = self.signal;
        let mut trouble = self.trouble.lock();
        let Err(error) = result else {
            if trouble.take().is_some() {
                tracing::info!(signal, "exports are taken again");
            }
            return;
        };
        self.lost.inc_by(count);
        let now = Instant::now();
        let lost = trouble.as_ref().map_or(0, |trouble| trouble.lost) + count;
        match &mut *trouble {
            Some(trouble) if now - trouble.told_at < COMPLAINTS => trouble.lost = lost,
            _ => {
                tracing::warn!(%error, signal, lost, "failed to export; responses are not affected");
                *trouble = Some(Trouble { told_at: now, lost: 0 });
            }
        }
    }
}
