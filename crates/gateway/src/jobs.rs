//! What an operator does about one job: try its request once more, stop it, see how its response stands.
//!
//! A response that has ended never changes, so its request is tried again as a new one.

use std::time::Duration;

use broker::{Broker, Error, Header, Job, Member};
use protocol::{Outcome, Request, StoredInput};
use serde_json::Value;
use stream::ResponseId;

pub use crate::ending::Found;
use crate::{
    admission::{first_events, remember_input},
    ending::{Ender, unix_micros},
    fold::{FoldError, fold},
};

/// How long a second retry of a job finds the first. The queue knows a response for as long.
const RETRY_TTL: Duration = Duration::from_secs(60 * 60);

/// Takes the request of `job` in once more, for the same user and in the same way, as a new response with an id of its own.
///
/// Repeated, by whomever, because its answer was lost or two people saw the same job, it does nothing more, and answers the
/// same.
///
/// One that does not run in the background has nobody who listens: it runs for its grace, if nobody follows it.
///
/// # Errors
/// When the job cannot be read, or the broker fails. Then it may be repeated.
pub async fn retry(broker: &Broker, job: &Job, store_ttl: Duration) -> Result<ResponseId, Error> {
    let request: Request = serde_json::from_slice(&job.request).map_err(Error::refused)?;
    let id = claim_retry(broker, job.id).await?;
    let header = Header { created_at_ms: unix_micros() / 1000, ..job.header.clone() };
    let first = first_events(id, &header, &request, true);
    if header.store {
        let input = input_of(broker, job, &request).await?;
        remember_input(&*broker.store, id, &input, store_ttl).await?;
    }
    broker.log.create(id, &header, &first.events).await?;
    let enqueued_at_us = unix_micros();
    broker.jobs.enqueue(&Job { id, header, enqueued_at_us, ..job.clone() }).await?;
    tracing::info!(response = %id, retried = %job.id, "response retried");
    Ok(id)
}

/// The id of the response that `id` is retried as.
async fn claim_retry(broker: &Broker, id: ResponseId) -> Result<ResponseId, Error> {
    let own = broker.log.new_id();
    let key = format!("retry:{id}");
    let seen = broker.store.insert(&key, own.to_string().into(), RETRY_TTL).await?;
    let Some(seen) = seen else { return Ok(own) };
    let seen = std::str::from_utf8(&seen).ok().and_then(|seen| seen.parse().ok());
    seen.ok_or_else(|| Error::refused("a retry that cannot be read"))
}

/// What the client gave with the request of `job`. A job has the whole conversation in its input, and stands for itself where
/// the store has forgotten what it continued.
async fn input_of(broker: &Broker, job: &Job, request: &Request) -> Result<StoredInput, Error> {
    let stored = broker.store.get(&StoredInput::key(job.id)).await?;
    if let Some(stored) = stored.and_then(|value| serde_json::from_slice(&value).ok()) {
        return Ok(stored);
    }
    Ok(StoredInput {
        tenant: job.header.tenant.clone(),
        user: job.header.user.clone(),
        input: request.input.clone(),
        previous_response_id: None,
    })
}

/// Cancels the response of a job: its worker hears of it, or the next one to claim it; one that no worker ever had ends here
/// and now. Tells how the response was found.
///
/// # Errors
/// When the broker fails.
pub async fn cancel(
    broker: &Broker,
    member: &Member,
    id: ResponseId,
    store_ttl: Duration,
) -> Result<Found, Error> {
    let tracer = trace::Tracer::default();
    let ender = Ender { broker: broker.clone(), member: member.clone(), store_ttl, tracer };
    let found = ender.end_if_unclaimed(id, &Outcome::Cancelled).await?;
    // Only then: a worker that heard of it before would be quick enough for us to find that it has ended.
    if found == Found::Owned {
        broker.control.cancel(id).await?;
    }
    Ok(found)
}

/// The response as it stands in its stream; `None` if that has expired.
///
/// # Errors
/// When the broker fails, or has lost a part of the stream.
pub async fn standing(broker: &Broker, id: ResponseId) -> Result<Option<Value>, Error> {
    match fold(&*broker.log, id).await {
        Ok(response) => Ok(response),
        Err(FoldError::Lost) => Err(Error::refused("a part of the response's stream was lost")),
        Err(FoldError::Broker(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests;
