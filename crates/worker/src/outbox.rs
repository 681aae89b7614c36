//! Events on their way into the log.
//!
//! One append is under way at a time; what the model says meanwhile gathers and goes with the next. So nothing waits when
//! the load is low, and when the broker is slow each write carries more: the adaptive window needs no timer.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use broker::{AppendError, Appended, StreamLog};
use prometheus_client::metrics::histogram::Histogram;
use stream::{Epoch, Event, ResponseId, Sequence};
use tokio::time::Instant;
use trace::Span;

use crate::spans::Appends;

/// The first wait between two tries of an append that the broker did not take.
const FIRST_BACKOFF: Duration = Duration::from_millis(20);

/// The longest wait between two tries of an append that the broker did not take.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// The events of one stream that are not yet known to be in the log.
pub(crate) struct Outbox {
    log: Arc<dyn StreamLog>,
    id: ResponseId,
    epoch: Epoch,
    /// The sequence number of the first event in `pending`.
    next: Sequence,
    pending: Vec<Event>,
    pending_bytes: usize,
    append: Option<Append>,
    spans: Appends,
    /// How long appends take.
    timing: Option<Histogram>,
}

type Append = Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send>>;

impl Outbox {
    /// An outbox for the owner of `epoch`, whose next event is `next`.
    pub(crate) fn new(log: Arc<dyn StreamLog>, id: ResponseId, epoch: Epoch, next: Sequence) -> Self {
        let (spans, timing) = (Appends::default(), None);
        Self { log, id, epoch, next, pending: Vec::new(), pending_bytes: 0, append: None, spans, timing }
    }

    /// The same, and a trace tells of some of its appends.
    pub(crate) fn with_spans(self, spans: Appends) -> Self {
        Self { spans, ..self }
    }

    /// The same, and `timing` counts how long appends take.
    pub(crate) fn timed(self, timing: Histogram) -> Self {
        Self { timing: Some(timing), ..self }
    }

    /// Adds events, and sends them if nothing is under way.
    pub(crate) fn push(&mut self, events: Vec<Event>) {
        self.pending_bytes += events.iter().map(Event::weight).sum::<usize>();
        if self.pending.is_empty() {
            self.pending = events;
        } else {
            self.pending.extend(events);
        }
        self.send();
    }

    /// How many bytes wait behind the append that is under way.
    pub(crate) const fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Whether an append is under way.
    pub(crate) const fn is_busy(&self) -> bool {
        self.append.is_some()
    }

    /// Waits for the append under way, and sends what has gathered. Cancel safe. Pends for ever if there is none.
    pub(crate) async fn progress(&mut self) -> Result<Appended, AppendError> {
        let Some(append) = &mut self.append else { return std::future::pending().await };
        let result = append.await;
        self.append = None;
        if result.is_ok() {
            self.send();
        }
        result
    }

    /// Waits until everything is in the log. Cancel safe.
    pub(crate) async fn flush(&mut self) -> Result<(), AppendError> {
        while self.is_busy() {
            self.progress().await?;
        }
        Ok(())
    }

    fn send(&mut self) {
        if self.append.is_some() || self.pending.is_empty() {
            return;
        }
        let events = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let (log, id, epoch, first) = (Arc::clone(&self.log), self.id, self.epoch, self.next);
        self.next += events.len() as u64;
        let span = self.spans.next(first, &events);
        let timing = self.timing.clone();
        self.append = Some(Box::pin(async move {
            let begun = Instant::now();
            let result = append(&*log, id, epoch, first, &events, span).await;
            if let Some(timing) = timing {
                timing.observe(begun.elapsed().as_secs_f64());
            }
            result
        }));
    }
}

/// Appends until the broker takes it: an append may be repeated. It is the caller who gives up.
async fn append(
    log: &dyn StreamLog,
    id: ResponseId,
    epoch: Epoch,
    first: Sequence,
    events: &[Event],
    mut span: Span,
) -> Result<Appended, AppendError> {
    let mut backoff = FIRST_BACKOFF;
    loop {
        match log.append(id, epoch, first, events).await {
            Err(AppendError::Broker(error)) if error.is_retryable() => {
                // Once for each append: while a broker is away, every stream of this worker is here.
                if backoff == FIRST_BACKOFF {
                    span.event("retry");
                    tracing::warn!(response = %id, %error, "failed to append, trying again until the broker takes it");
                } else {
                    tracing::debug!(response = %id, %error, "failed to append again");
                }
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
            result => {
                if result.is_err() {
                    span.fail("append");
                }
                return result;
            }
        }
    }
}
