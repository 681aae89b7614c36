//! What can be asked of a response by its id: read, resume, cancel, delete, input items.
//!
//! What is not the caller's looks the same as what does not exist.

use std::{sync::Arc, time::Duration};

use broker::Header;
use hyper::{HeaderMap, StatusCode, header::ACCEPT, http::request::Parts};
use protocol::{ApiError, Page, StoredInput, StoredResponse};
use serde_json::Value;
use stream::{ResponseId, Sequence};
use trace::{Beginning, Span, key};

use super::{
    answer::{self, Answer},
    query::Retrieve,
    responses::{deleted, dialect_of, trace_of, wait_for_end},
    sse::{Events, Told},
};
use crate::{
    Principal,
    continuation::unavailable,
    delivery::{Leave, Subscribe, Telling},
    ending,
    fold::{FoldError, fold},
    gateway::Shared,
};

/// How long `cancel` and `delete` wait for the worker to end the response.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// `GET /v1/responses/{id}`, whole or as events.
pub(super) async fn get(shared: &Arc<Shared>, principal: &Principal, id: &str, request: &Parts) -> Answer {
    let not_found = || shared.response_not_found(id);
    let response_id: ResponseId = id.parse().map_err(|_| not_found())?;
    let query = Retrieve::parse(request.uri.query().unwrap_or_default())?;
    if !query.stream {
        let resource = shared.read_response(principal, response_id).await?.ok_or_else(not_found)?;
        return Ok(answer::json(&resource));
    }
    let header = shared.own_header(principal, response_id).await?;
    let Some(header) = header else {
        let stored = shared.stored_response(principal, response_id).await?;
        return Err(stored.map_or_else(not_found, |_| expired()));
    };
    let last_event_id = last_event_id(&request.headers)?;
    shared.metrics.resumes.inc();
    let from = match query.starting_after.or(last_event_id) {
        None => 0,
        Some(after) if shared.ends_with(response_id, after).await? => {
            // A browser's `EventSource` would come back again and again: this is how it is told to stop.
            let is_event_source = last_event_id.is_some();
            return Ok(if is_event_source {
                answer::empty(StatusCode::NO_CONTENT)
            } else {
                answer::no_events()
            });
        }
        Some(after) => after + 1,
    };
    let trace = header.trace();
    let resume = shared.config.tracer.begin(Beginning {
        name: "resume".into(),
        kind: trace::Kind::Server,
        parent: trace.as_ref(),
        since: None,
        // It is the response's trace that this belongs to; who resumes may have one of its own.
        link: trace_of(&request.headers).as_ref(),
    });
    let subscribe = Subscribe {
        model: &header.model,
        trace: trace.as_ref(),
        from,
        catch_up: true,
        leave: Leave::of(&header),
    };
    let cursor = shared.hub.subscribe(response_id, subscribe).await.map_err(unavailable)?;
    let cursor = cursor.with_telling(resuming(resume, response_id, from));
    let told = Told::Responses(response_id, dialect_of(&request.headers));
    Ok(answer::events(Events::new(shared, cursor, told).with_ids(wants_ids(&request.headers))))
}

/// A delivery from the event `from` on.
fn resuming(mut resume: Span, id: ResponseId, from: Sequence) -> Telling {
    resume.set_with(key::RESPONSE, || id.to_string());
    resume.set(key::FIRST_EVENT, from);
    Telling::new(Span::default(), resume)
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
    if let Some(stored) = shared.stored_response(principal, response_id).await? {
        return Ok(answer::json(&stored));
    }
    let resource = stop(shared, principal, response_id).await?.ok_or_else(not_found)?;
    Ok(answer::json(&resource))
}

/// Cancels the caller's response, and waits until it has ended.
async fn stop(shared: &Shared, principal: &Principal, id: ResponseId) -> Result<Option<Value>, ApiError> {
    let Some(header) = shared.own_header(principal, id).await? else { return Ok(None) };
    let trace = header.trace();
    let subscribe = Subscribe {
        model: &header.model,
        trace: trace.as_ref(),
        from: 1,
        catch_up: true,
        leave: Leave::of(&header),
    };
    let mut cursor = shared.hub.subscribe(id, subscribe).await.map_err(unavailable)?;
    shared.hub.cancel(id, trace.as_ref()).await;
    match tokio::time::timeout(CANCEL_PATIENCE, wait_for_end(&mut cursor)).await {
        Ok(ended) => ended.map(|ended| Some(ended.resource)),
        // Its worker may just have died: the next one will see the cancel.
        Err(_) => shared.fold(id).await,
    }
}

/// `DELETE /v1/responses/{id}`. One that still runs is cancelled.
pub(super) async fn delete(shared: &Arc<Shared>, principal: &Principal, id: &str) -> Answer {
    let not_found = || shared.response_not_found(id);
    let response_id: ResponseId = id.parse().map_err(|_| not_found())?;
    let resource = shared.read_response(principal, response_id).await?.ok_or_else(not_found)?;
    if matches!(resource["status"].as_str(), Some("queued" | "in_progress")) {
        stop(shared, principal, response_id).await?;
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

fn expired() -> ApiError {
    ApiError::invalid(
        "stream",
        "stream_expired",
        "The response has ended and its events can no longer be replayed. Read it without `stream`.",
    )
}

impl Shared {
    /// How the caller's own response ended, if that is stored.
    pub(crate) async fn stored_response(
        &self,
        principal: &Principal,
        id: ResponseId,
    ) -> Result<Option<Value>, ApiError> {
        let Some(value) = self.broker.store.get(&StoredResponse::key(id)).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let Ok(stored) = serde_json::from_slice::<StoredResponse>(&value) else {
            tracing::error!(response = %id, "failed to read a record of the store");
            return Ok(None);
        };
        Ok(principal.owns(&stored.tenant, &stored.user).then_some(stored.response))
    }

    async fn own_header(&self, principal: &Principal, id: ResponseId) -> Result<Option<Header>, ApiError> {
        let header = self.broker.log.header(id).await.map_err(unavailable)?;
        Ok(header.filter(|header| principal.owns_response(header)))
    }

    /// The caller's own response: as it ended, or as it stands.
    pub(crate) async fn read_response(
        &self,
        principal: &Principal,
        id: ResponseId,
    ) -> Result<Option<Value>, ApiError> {
        if let Some(stored) = self.stored_response(principal, id).await? {
            return Ok(Some(stored));
        }
        match self.own_header(principal, id).await? {
            Some(header) if header.store => self.fold(id).await,
            _ => Ok(None),
        }
    }

    /// Whether event `last` is the one that ends the stream, so that nothing can follow it.
    async fn ends_with(&self, id: ResponseId, last: Sequence) -> Result<bool, ApiError> {
        let page = self.broker.log.read(id, last, 1).await.map_err(unavailable)?;
        // What a client has heard is in the log. It would wait for ever if it meant another stream, or if the broker lost it.
        let not_there = || {
            let message = format!(
                "Invalid value for 'starting_after': the response has no event {last}. If it was told before, it has been \
                 lost; send the request again."
            );
            ApiError::invalid("starting_after", "invalid_value", message)
        };
        let page = page.ok_or_else(ending::stream_lost)?;
        let record = page.records.first().filter(|record| record.next() > last).ok_or_else(not_there)?;
        Ok(record.is_terminal() && record.next() == last + 1)
    }

    /// What the events so far amount to.
    async fn fold(&self, id: ResponseId) -> Result<Option<Value>, ApiError> {
        fold(&*self.broker.log, id).await.map_err(|error| match error {
            FoldError::Lost => ending::stream_lost(),
            FoldError::Broker(error) => unavailable(error),
        })
    }
}
