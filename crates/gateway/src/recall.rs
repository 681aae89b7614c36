//! What the gateway knows of a response by its id, for both doors.
//!
//! What is not the caller's looks the same as what does not exist: `None`.

use std::time::Duration;

use broker::Header;
use protocol::{ApiError, StoredResponse, read_error};
use serde_json::Value;
use stream::{Event, ResponseId, Sequence};
use tokio::time::Instant;
use trace::{Beginning, Kind, Span, TraceContext, key};

use crate::{
    Principal,
    continuation::unavailable,
    delivery::{Cursor, Leave, Subscribe, Telling},
    ending,
    fold::{FoldError, fold},
    gateway::Shared,
    metrics::Told,
};

/// How long to wait for the worker to end a response that is cancelled.
const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// The events of a response from some point on.
pub(crate) enum Resumed {
    /// There are some, or will be.
    Goes(Cursor),
    /// That was its last.
    Ended,
}

impl Resumed {
    /// What there is to follow.
    pub(crate) fn cursor(self) -> Option<Cursor> {
        match self {
            Self::Goes(cursor) => Some(cursor),
            Self::Ended => None,
        }
    }
}

/// How a response ended.
pub(crate) struct Ended {
    pub(crate) resource: Value,
    /// What its stream said went wrong: more than the resource shows.
    error: Option<ApiError>,
    /// How many deltas there were.
    tokens: u64,
}

/// Waits for the end of a stream.
async fn wait_for_end(cursor: &mut Cursor) -> Result<Ended, ApiError> {
    let (mut error, mut tokens) = (None, 0);
    while let Some(piece) = cursor.next().await {
        let piece = piece.map_err(unavailable)?;
        error = piece.events().find_map(|(_, event)| read_error(event)).or(error);
        tokens += piece.events().filter(|(_, event)| matches!(event, Event::Delta(_))).count() as u64;
        if piece.is_terminal() {
            let resource = piece.events().last().and_then(|(_, event)| protocol::resource_of(event));
            return Ok(Ended { resource: resource.ok_or_else(ending::stream_lost)?, error, tokens });
        }
    }
    Err(ending::stream_lost())
}

impl Ended {
    /// The error instead of an answer, for interfaces that know no failed or cancelled responses.
    pub(crate) fn into_error(self) -> ApiError {
        self.error
            .or_else(|| protocol::chat_error(&self.resource))
            .unwrap_or_else(|| ApiError::model("incomplete", "The response did not complete."))
    }
}

impl Shared {
    /// The end of a response whose client has waited for the whole of it since `begun`.
    pub(crate) async fn whole(&self, mut cursor: Cursor, begun: Instant) -> Result<Ended, ApiError> {
        let ended = wait_for_end(&mut cursor).await?;
        let Ended { resource, error, tokens } = &ended;
        let told = Told::new("http", Some(begun)).with_tokens(*tokens);
        self.metrics.end_response(&cursor, told, resource["status"].as_str(), error.as_ref());
        Ok(ended)
    }

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

    /// The caller's own response from the event after `after` on, or from the first. This belongs to the response's trace; `client` is
    /// the caller's own span, if it has one.
    ///
    /// # Errors
    /// When it has ended and its events are gone, or when it has no event `after`.
    pub(crate) async fn resume(
        &self,
        principal: &Principal,
        id: ResponseId,
        after: Option<Sequence>,
        client: Option<&TraceContext>,
    ) -> Result<Option<Resumed>, ApiError> {
        let Some(header) = self.own_header(principal, id).await? else {
            let stored = self.stored_response(principal, id).await?;
            return stored.map_or(Ok(None), |_| Err(expired()));
        };
        self.metrics.resumes.inc();
        let from = match after {
            None => 0,
            Some(after) if self.ends_with(id, after).await? => return Ok(Some(Resumed::Ended)),
            Some(after) => after + 1,
        };
        let trace = header.trace();
        let (name, kind) = ("resume".into(), Kind::Server);
        let beginning = Beginning { name, kind, parent: trace.as_ref(), since: None, link: client };
        let mut span = self.config.tracer.begin(beginning);
        span.set_with(key::RESPONSE, || id.to_string());
        span.set(key::FIRST_EVENT, from);
        let subscribe = subscribe(&header, trace.as_ref(), from);
        let cursor = self.hub.subscribe(id, subscribe).await.map_err(unavailable)?;
        let telling = Telling::new(Span::default(), span);
        Ok(Some(Resumed::Goes(cursor.with_telling(telling))))
    }

    /// Cancels the caller's own response: as it is then. One that has ended stays as it is.
    pub(crate) async fn cancel(
        &self,
        principal: &Principal,
        id: ResponseId,
    ) -> Result<Option<Value>, ApiError> {
        match self.stored_response(principal, id).await? {
            Some(stored) => Ok(Some(stored)),
            None => self.stop(principal, id).await,
        }
    }

    /// Cancels the caller's response, and waits until it has ended.
    pub(crate) async fn stop(
        &self,
        principal: &Principal,
        id: ResponseId,
    ) -> Result<Option<Value>, ApiError> {
        let Some(header) = self.own_header(principal, id).await? else { return Ok(None) };
        let trace = header.trace();
        let subscribe = subscribe(&header, trace.as_ref(), 1);
        let mut cursor = self.hub.subscribe(id, subscribe).await.map_err(unavailable)?;
        self.hub.cancel(id, trace.as_ref()).await;
        match tokio::time::timeout(CANCEL_PATIENCE, wait_for_end(&mut cursor)).await {
            Ok(ended) => ended.map(|ended| Some(ended.resource)),
            // Its worker may just have died: the next one will see the cancel.
            Err(_) => self.fold(id).await,
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

/// To the events from `from` on of a response that began earlier.
fn subscribe<'a>(header: &'a Header, trace: Option<&'a TraceContext>, from: Sequence) -> Subscribe<'a> {
    Subscribe { model: &header.model, trace, from, catch_up: true, leave: Leave::of(header) }
}

fn expired() -> ApiError {
    ApiError::invalid(
        "stream",
        "stream_expired",
        "The response has ended and its events can no longer be replayed. Read it without `stream`.",
    )
}
