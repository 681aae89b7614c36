//! Ending a response from the gateway: asking its worker to, or doing it where no worker ever took it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use broker::{AppendError, Broker, FoundJob, Header, JobState, Member, OpenError, OpenMode};
use protocol::{ApiError, Outcome, Request, StoredResponse};
use stream::{Assembler, Event, ResponseId, Whole};
use trace::{Kind, TraceContext, Tracer, key};

const STREAM_LOST: &str = "stream_lost";

/// A worker that has not renewed its claim for so long is gone.
const MAX_QUIET: Duration = Duration::from_secs(60);

/// Who ends responses, and for how long the end of one that is stored can be read.
#[derive(Debug, Clone)]
pub(crate) struct Ender {
    pub(crate) broker: Broker,
    pub(crate) member: Member,
    pub(crate) store_ttl: Duration,
    pub(crate) tracer: Tracer,
}

/// How a response was found that shall end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It waited for a worker, and has ended now.
    Waiting,
    /// A worker has it, or had: it is up to a worker to end it.
    Owned,
    /// It had ended before.
    Ended,
    /// Its stream has expired, or never was.
    Gone,
}

impl Ender {
    /// Cancels a response: its worker hears of it and aborts the call of the model; one that still waits ends here and now.
    pub(crate) async fn cancel(&self, id: ResponseId, trace: Option<&TraceContext>) {
        let mut span = self.tracer.span(Kind::Internal, "cancel", trace);
        span.set_with(key::RESPONSE, || id.to_string());
        if let Err(error) = self.broker.control.cancel(id).await {
            tracing::warn!(response = %id, trace_id = span.trace_id().map(display), %error, "failed to cancel");
            span.fail("broker");
        }
        if let Err(error) = self.end_if_unclaimed(id, &Outcome::Cancelled).await {
            tracing::warn!(response = %id, trace_id = span.trace_id().map(display), %error, "failed to end a response that waits");
        }
    }

    /// Ends a response of which nothing was heard for `silence`, unless a worker is at it. No worker ever came; or the one that
    /// had it died, and no other came.
    pub(crate) async fn end_forsaken(
        &self,
        id: ResponseId,
        silence: Duration,
        outcome: &Outcome,
    ) -> Result<Found, broker::Error> {
        let mode = match self.broker.jobs.find(id).await {
            Ok(Some(FoundJob { entry, .. })) => match entry.state {
                JobState::Claimed { quiet, .. } if quiet < silence.min(MAX_QUIET) => return Ok(Found::Owned),
                _ => OpenMode::TakeOver,
            },
            // Finished or lost: the stream tells which.
            Ok(None) => OpenMode::TakeOver,
            // Without looking only that is certain.
            Err(broker::Error::Unsupported(_)) => OpenMode::IfNeverOpened,
            Err(error) => return Err(error),
        };
        self.end(id, mode, outcome).await
    }

    /// Ends a response that no worker ever took, and tells how it was found.
    pub(crate) async fn end_if_unclaimed(
        &self,
        id: ResponseId,
        outcome: &Outcome,
    ) -> Result<Found, broker::Error> {
        self.end(id, OpenMode::IfNeverOpened, outcome).await
    }

    async fn end(&self, id: ResponseId, mode: OpenMode, outcome: &Outcome) -> Result<Found, broker::Error> {
        let Self { broker, member, .. } = self;
        let opened = match broker.log.open(id, member, mode).await {
            Ok(opened) => opened,
            Err(OpenError::Owned) => return Ok(Found::Owned),
            Err(OpenError::Ended) => return Ok(Found::Ended),
            Err(OpenError::Gone) => return Ok(Found::Gone),
            Err(OpenError::Broker(error)) => return Err(error),
        };
        let mut so_far = Assembler::new();
        for (sequence, event) in opened.records.iter().flat_map(|record| record.events_from(record.first)) {
            // Records of one opening follow on each other.
            let _ = so_far.push(sequence, event);
        }
        let (shown, output) = so_far.take();
        let terminal = protocol::end(shown.as_ref(), output, None, outcome, unix_time());
        match broker.log.append(id, opened.epoch, opened.next(), &[terminal.clone().into()]).await {
            Ok(_) => {}
            Err(AppendError::Fenced) => return Ok(Found::Owned),
            Err(AppendError::Ended) => return Ok(Found::Ended),
            Err(AppendError::Gone) => return Ok(Found::Gone),
            Err(AppendError::Broker(error)) => return Err(error),
            Err(error @ AppendError::Gap { .. }) => return Err(broker::Error::refused(error)),
        }
        // Only what stands in the log is stored. Should this process die just now, a worker finds the job and stores it.
        if opened.header.store {
            self.remember(id, &opened.header, &terminal).await;
        }
        broker::account::settle(&*broker.store, &opened.header, id).await;
        Ok(Found::Waiting)
    }

    async fn remember(&self, id: ResponseId, header: &Header, terminal: &Whole) {
        let Some(value) = StoredResponse::of(&header.tenant, &header.user, terminal) else { return };
        let key = StoredResponse::key(id);
        if let Err(error) = self.broker.store.put(&key, value.into(), self.store_ttl).await {
            tracing::warn!(response = %id, %error, "failed to remember a response");
        }
    }
}

/// The end of a response that the broker has lost, or a part of it, in the standard's words.
///
/// Nothing can be appended to what is lost, so each gateway tells its own subscribers. What the request asked for is not
/// known any more: its model is, the rest is shown as the standard's defaults.
pub(crate) fn lost(id: ResponseId, model: &str) -> Vec<Event> {
    let error = stream_lost();
    let request = Request::new(model);
    let outcome = Outcome::Failed { code: STREAM_LOST.to_owned(), message: error.message.clone() };
    let created = protocol::created(id, unix_time(), &request, "in_progress");
    let end = protocol::end(Some(&created), Vec::new(), None, &outcome, unix_time());
    vec![protocol::error_event(&error), end.into()]
}

/// The broker does not have any more what it had.
pub(crate) fn stream_lost() -> ApiError {
    ApiError::server(STREAM_LOST, "The response's stream was lost, or a part of it. Send the request again.")
}

/// Microseconds since 1970.
pub(crate) fn unix_micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

/// Seconds since 1970.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
