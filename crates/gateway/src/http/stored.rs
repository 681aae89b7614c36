//! What can be asked of a response by its id: read, resume, cancel, delete, input items.
//!
//! What is not the caller's looks the same as what does not exist.

use std::{sync::Arc, time::Duration};

use hyper::{HeaderMap, StatusCode, header::ACCEPT, http::request::Parts};
use protocol::{ApiError, Page, StoredInput, StoredResponse};
use stream::{ResponseId, Sequence};

use super::{
    answer::{self, Answer},
    query::Retrieve,
    responses::{deleted, dialect_of, trace_of},
    sse::{Events, Told},
};
use crate::{Principal, continuation::unavailable, gateway::Shared};

/// `GET /v1/responses/{id}`, whole or as events.
pub(super) async fn get(shared: &Arc<Shared>, principal: &Principal, id: &str, request: &Parts) -> Answer {
    let not_found = || shared.response_not_found(id);
    let response_id: ResponseId = id.parse().map_err(|_| not_found())?;
    let query = Retrieve::parse(request.uri.query().unwrap_or_default())?;
    if !query.stream {
        let resource = shared.read_response(principal, response_id).await?.ok_or_else(not_found)?;
        return Ok(answer::json(&resource));
    }
    let last_event_id = last_event_id(&request.headers)?;
    let after = query.starting_after.or(last_event_id);
    let client = trace_of(&request.headers);
    let Some(cursor) =
        shared.resume(principal, response_id, after, client.as_ref()).await?.ok_or_else(not_found)?.cursor()
    else {
        // A browser's `EventSource` would come back again and again: this is how it is told to stop.
        let is_event_source = last_event_id.is_some();
        return Ok(if is_event_source { answer::empty(StatusCode::NO_CONTENT) } else { answer::no_events() });
    };
    let told = Told::Responses(response_id, dialect_of(&request.headers));
    Ok(answer::events(Events::new(shared, cursor, told, None).with_ids(wants_ids(&request.headers))))
}

/// The event after which a client resumes that keeps ids as browsers do.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Sequence>, ApiError> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|value| value.parse().ok());
    let wrong = || {
        let message = "Invalid value for 'Last-Event-ID': it is the sequence number of the last event.";
        ApiError::invalid("Last-Event-ID", "invalid_value", message)
    };
    number.map(Some).ok_or_else(wrong)
}

/// The standard wants no ids unless a client asks for them: a browser's `EventSource` does so by what it accepts, and when it
/// comes back by naming the last one.
fn wants_ids(headers: &HeaderMap) -> bool {
    headers.contains_key("last-event-id")
        || headers.get(ACCEPT).is_some_and(|accept| accept == "text/event-stream")
}

/// `POST /v1/responses/{id}/cancel`. A response that has ended is answered as it is.
pub(super) async fn cancel(shared: &Arc<Shared>, principal: &Principal, id: &str) -> Answer {
    let not_found = || shared.response_not_found(id);
    let response_id: ResponseId = id.parse().map_err(|_| not_found())?;
    let resource = shared.cancel(principal, response_id).await?.ok_or_else(not_found)?;
    Ok(answer::json(&resource))
}

/// `DELETE /v1/responses/{id}`. One that still runs is cancelled.
pub(super) async fn delete(shared: &Arc<Shared>, principal: &Principal, id: &str) -> Answer {
    let not_found = || shared.response_not_found(id);
    let response_id: ResponseId = id.parse().map_err(|_| not_found())?;
    let resource = shared.read_response(principal, response_id).await?.ok_or_else(not_found)?;
    if matches!(resource["status"].as_str(), Some("queued" | "in_progress")) {
        shared.stop(principal, response_id).await?;
    }
    let store = &shared.broker.store;
    // The stream first: its worker stores the response, and removes it again if the stream has gone.
    shared.broker.log.expire(response_id, Duration::ZERO).await.map_err(unavailable)?;
    store.remove(&StoredResponse::key(response_id)).await.map_err(unavailable)?;
    store.remove(&StoredInput::key(response_id)).await.map_err(unavailable)?;
    Ok(answer::json(&deleted(id)))
}

/// `GET /v1/responses/{id}/input_items`.
pub(super) async fn input_items(
    shared: &Shared,
    principal: &Principal,
    id: &str,
    query: Option<&str>,
) -> Answer {
    let not_found = || shared.response_not_found(id);
    let response_id: ResponseId = id.parse().map_err(|_| not_found())?;
    let page = Page::from_query(form_urlencoded::parse(query.unwrap_or_default().as_bytes()))?;
    let stored = shared.broker.store.get(&StoredInput::key(response_id)).await.map_err(unavailable)?;
    let stored: StoredInput =
        stored.and_then(|value| serde_json::from_slice(&value).ok()).ok_or_else(not_found)?;
    if !principal.owns(&stored.tenant, &stored.user) {
        return Err(not_found());
    }
    Ok(answer::json(&protocol::input_items(response_id, &stored.input, &page)?))
}
