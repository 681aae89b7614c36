//! Ending a response from the gateway: asking its worker to, or doing it where no worker ever took it.

use std::time::{SystemTime, UNIX_EPOCH};

use broker::{AppendError, Broker, Member, OpenError, OpenMode};
use protocol::{ApiError, Outcome, Request, StoredResponse};
use stream::{Assembler, Event, ResponseId};

const STREAM_LOST: &str = "stream_lost";

/// Cancels a response: its worker hears of it and aborts the call of the model; one that still waits ends here and now.
pub(crate) async fn cancel(broker: &Broker, member: &Member, id: ResponseId) {
    if let Err(error) = broker.control.cancel(id).await {
        tracing::warn!(response = %id, %error, "failed to cancel");
    }
    end_unclaimed(broker, member, id, &Outcome::Cancelled).await;
}

/// Ends a response that no worker ever took. Does nothing to any other.
pub(crate) async fn end_unclaimed(broker: &Broker, member: &Member, id: ResponseId, outcome: &Outcome) {
    if let Err(error) = end_if_unclaimed(broker, member, id, outcome).await {
        tracing::warn!(response = %id, %error, "failed to end a response that waits");
    }
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

/// Ends a response that no worker ever took, and tells how it was found.
pub(crate) async fn end_if_unclaimed(
    broker: &Broker,
    member: &Member,
    id: ResponseId,
    outcome: &Outcome,
) -> Result<Found, broker::Error> {
    let opened = match broker.log.open(id, member, OpenMode::IfNeverOpened).await {
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
    let resource = so_far.response().unwrap_or_default();
    let (kind, resource) = protocol::end(resource, Vec::new(), None, outcome, unix_time());
    let terminal = protocol::lifecycle(kind, &resource);
    match broker.log.append(id, opened.epoch, opened.next(), &[terminal]).await {
        Ok(_) => {}
        Err(AppendError::Fenced) => return Ok(Found::Owned),
        Err(AppendError::Ended) => return Ok(Found::Ended),
        Err(AppendError::Gone) => return Ok(Found::Gone),
        Err(AppendError::Broker(error)) => return Err(error),
        Err(error @ AppendError::Gap { .. }) => return Err(broker::Error::refused(error)),
    }
    // Only what stands in the log is stored. Should this process die just now, a worker finds the job and stores it.
    if opened.header.store {
        let (tenant, user) = (opened.header.tenant.clone(), opened.header.user.clone());
        remember(broker, id, &StoredResponse { tenant, user, response: resource }).await;
    }
    Ok(Found::Waiting)
}

/// The end of a response that the broker has lost, or a part of it, in the standard's words.
///
/// Nothing can be appended to what is lost, so each gateway tells its own subscribers. What the request asked for is not
/// known any more: its model is, the rest is shown as the standard's defaults.
pub(crate) fn lost(id: ResponseId, model: &str) -> Vec<Event> {
    let error = stream_lost();
    let request = Request::new(model);
    let outcome = Outcome::Failed { code: STREAM_LOST.to_owned(), message: error.message.clone() };
    let resource = protocol::resource(id, unix_time(), &request, "in_progress");
    let (kind, resource) = protocol::end(resource, Vec::new(), None, &outcome, unix_time());
    vec![protocol::error_event(&error), protocol::lifecycle(kind, &resource)]
}

/// The broker does not have any more what it had.
pub(crate) fn stream_lost() -> ApiError {
    ApiError::server(STREAM_LOST, "The response's stream was lost, or a part of it. Send the request again.")
}

async fn remember(broker: &Broker, id: ResponseId, stored: &StoredResponse) {
    let Ok(value) = serde_json::to_vec(stored) else { return };
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    if let Err(error) = broker.store.put(&StoredResponse::key(id), value.into(), day).await {
        tracing::warn!(response = %id, %error, "failed to remember a response");
    }
}

/// Seconds since 1970.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
