//! `POST /v1/responses` and `POST /v1/responses/compact`.

use std::sync::Arc;

use broker::Kind;
use hyper::{HeaderMap, Request, body::Incoming};
use protocol::{ApiError, Compact, Create, Dialect};
use serde_json::{Value, json};
use trace::TraceContext;

use super::{
    answer::{self, Answer},
    body,
    sse::{Events, Told},
};
use crate::{
    Principal,
    admission::{Accepted, OnLeave, Order},
    continuation::unavailable,
    delivery::Cursor,
    ending::stream_lost,
    gateway::Shared,
};

/// Begins a response, and tells it as the client wants: as events, whole, or (in the background) as it is now.
pub(super) async fn create(
    shared: &Arc<Shared>,
    principal: &Principal,
    request: Request<Incoming>,
) -> Answer {
    let headers = request.headers().clone();
    let bytes = body::read(shared, request).await?;
    let mut create = protocol::create(&bytes, shared.config.max_json_depth)?;
    take_headers(&mut create, &headers)?;
    let (stream, background) = (create.stream, create.request.background);
    // Without a stream or a key the client does not know the response's name: it could never come back for it.
    let can_return = stream || background || create.idempotency_key.is_some();
    let on_leave = if can_return { OnLeave::Grace } else { OnLeave::Cancel };
    let transport = if stream { "sse" } else { "http" };
    shared.metrics.count_request(transport);
    let order = Order { create, kind: Kind::Response, on_leave, remembered: None, transport };
    let accepted = shared.admit(principal, order).await?;
    let rates = accepted.rates;
    let mut answer = tell(shared, accepted, stream, background, dialect_of(&headers)).await?;
    answer::tell_rates(&mut answer, &rates);
    Ok(answer)
}

async fn tell(
    shared: &Arc<Shared>,
    accepted: Accepted,
    stream: bool,
    background: bool,
    dialect: Dialect,
) -> Answer {
    if stream {
        let told = Told::Responses(accepted.id, dialect);
        return Ok(answer::events(Events::new(shared, accepted.cursor, told, Some(accepted.begun))));
    }
    let mut cursor = accepted.cursor;
    if background {
        return Ok(answer::json(&first_resource(&mut cursor).await?));
    }
    let ended = shared.whole(cursor, accepted.begun).await?;
    // Who waits for the whole hears of a failure by its status, as of any other error: clients look there and nowhere else.
    if ended.resource["status"] == "failed" {
        return Err(ended.into_error());
    }
    Ok(answer::json(&ended.resource))
}

/// Shortens a conversation: the model is asked for a summary, which comes back as one item.
pub(super) async fn compact(
    shared: &Arc<Shared>,
    principal: &Principal,
    request: Request<Incoming>,
) -> Answer {
    let headers = request.headers().clone();
    let bytes = body::read(shared, request).await?;
    let compact = protocol::compact(&bytes, shared.config.max_json_depth)?;
    let Compact { request, idempotency_key, trace } = compact;
    let mut create = Create { idempotency_key, trace, ..Create::new(protocol::compaction::order(request)) };
    take_headers(&mut create, &headers)?;
    let transport = "http";
    shared.metrics.count_request(transport);
    let order =
        Order { create, kind: Kind::Compaction, on_leave: OnLeave::Cancel, remembered: None, transport };
    let accepted = shared.admit(principal, order).await?;
    let ended = shared.whole(accepted.cursor, accepted.begun).await?;
    if ended.resource["status"] != "completed" {
        return Err(ended.into_error());
    }
    Ok(answer::json(&protocol::compaction::answer(&ended.resource)))
}

/// What a request says by headers.
pub(super) fn take_headers(create: &mut Create, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if let Some(key) = text("idempotency-key") {
        if key.is_empty() || key.len() > 256 {
            return Err(ApiError::invalid(
                "Idempotency-Key",
                "invalid_value",
                "An idempotency key has 1 to 256 characters.",
            ));
        }
        create.idempotency_key = Some(key);
    }
    create.trace = create.trace.take().or_else(|| trace_of(headers));
    Ok(())
}

/// The client's own span, by W3C Trace Context.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let trace = TraceContext::parse(headers.get("traceparent")?.to_str().ok()?)?;
    // A list, which may come in several lines.
    let states = headers.get_all("tracestate").iter().filter_map(|state| state.to_str().ok());
    Some(trace.with_state(&states.collect::<Vec<_>>().join(",")))
}

/// The names that the client knows events by.
pub(crate) fn dialect_of(headers: &HeaderMap) -> Dialect {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Dialect::of_client(text("x-stainless-lang"), text("user-agent"))
}

/// The resource as the stream begins.
async fn first_resource(cursor: &mut Cursor) -> Result<Value, ApiError> {
    match cursor.next().await {
        Some(Ok(piece)) => {
            piece.events().find_map(|(_, event)| protocol::resource_of(event)).ok_or_else(stream_lost)
        }
        Some(Err(error)) => Err(unavailable(error)),
        None => Err(stream_lost()),
    }
}

/// What `DELETE` answers.
pub(super) fn deleted(id: &str) -> Value {
    json!({ "id": id, "object": "response", "deleted": true })
}

#[cfg(test)]
mod tests;
