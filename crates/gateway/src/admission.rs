//! From a request to a stream: what is checked, remembered and enqueued before a client hears `response.created`.
//!
//! ```text
//!   model known? ─▶ key seen? ─▶ conversation ─▶ stream created, input remembered, listening ─▶ job enqueued ─▶ accepted
//! ```
//!
//! The job is the last step, or one with the stream where the broker can do both at once: a gateway that dies before it has
//! promised nothing. A key that was claimed without a job is completed by the next request that bears it, under the same id.

mod beginning;
mod idempotency;

use std::{sync::Arc, time::Duration};

use broker::{Header, Kind};
use protocol::{ApiError, Create, Limited, Rates};
use serde_json::Value;
use stream::{EventKind, ResponseId};
use tokio::time::Instant;
use trace::{Span, key};

pub(crate) use self::beginning::{first_events, remember_input};
use self::idempotency::Claimed;
use crate::{
    Principal,
    continuation::{self, Conversation, unavailable},
    delivery::{Cursor, Leave, Subscribe, Telling},
    ending::unix_micros,
    gateway::Shared,
    limit::Place,
};

/// A response that was accepted: its job is in the broker.
pub(crate) struct Accepted {
    pub(crate) id: ResponseId,
    /// Its events, from the first on.
    pub(crate) cursor: Cursor,
    /// The conversation up to and including this request's input, for the connection to remember.
    pub(crate) conversation: Option<Conversation>,
    /// What is left of the caller's limits.
    pub(crate) rates: Rates,
    /// When it was asked for.
    pub(crate) begun: Instant,
}

/// How a request is to be taken.
pub(crate) struct Order {
    pub(crate) create: Create,
    pub(crate) kind: Kind,
    /// What becomes of the response when its client goes.
    pub(crate) on_leave: OnLeave,
    /// The conversation that it continues, if the connection remembers it.
    pub(crate) remembered: Option<Conversation>,
    /// By what the client came.
    pub(crate) transport: &'static str,
}

/// What becomes of a response when its client goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLeave {
    /// The client may come back: the response has its grace.
    Grace,
    /// Nothing can resume it: it is cancelled.
    Cancel,
}

/// A lease for responses that are cancelled when their client goes, for the case that their gateway dies.
const CANCEL_LEASE: Duration = Duration::from_secs(10);

impl Shared {
    /// Takes a request in. The first span of the response begins here, and goes on in what tells its events.
    pub(crate) async fn admit(&self, principal: &Principal, order: Order) -> Result<Accepted, ApiError> {
        let tracer = &self.config.tracer;
        let mut response = tracer.span(trace::Kind::Server, "response", order.create.trace.as_ref());
        response.set(key::TRANSPORT, order.transport);
        let mut admit = tracer.span(trace::Kind::Internal, "admit", response.context());
        match self.take_in(principal, order, &mut response, &admit).await {
            Ok(accepted) => {
                drop(admit);
                let deliver = tracer.span(trace::Kind::Internal, "deliver", response.context());
                let telling = Telling::new(response, deliver);
                Ok(Accepted { cursor: accepted.cursor.with_telling(telling), ..accepted })
            }
            Err(error) => {
                for span in [&mut response, &mut admit] {
                    span.fail(error.error_type.name());
                }
                Err(error)
            }
        }
    }

    async fn take_in(
        &self,
        principal: &Principal,
        order: Order,
        response: &mut Span,
        admit: &Span,
    ) -> Result<Accepted, ApiError> {
        let begun = Instant::now();
        self.pressure.check()?;
        if order.create.idempotency_key.is_some() {
            self.check_keys_are_kept()?;
        }
        let model = &order.create.request.model;
        if self.find_model(principal, model).await?.is_none() {
            return Err(ApiError::model_not_found(model));
        }
        if order.create.request.background && !principal.scopes.background {
            return Err(ApiError::forbidden(
                "This API key or token may not run responses in the background: it lacks the scope `background`.",
            )
            .with_param("background"));
        }
        let rates = self.quota.request(principal).await?;
        let claimed = match &order.create.idempotency_key {
            Some(key) => self.claim_key(principal, key, &order.create.request).await?,
            None => Claimed { id: self.broker.log.new_id(), is_repeated: false },
        };
        let id = claimed.id;
        response.set_with(key::MODEL, || order.create.request.model.clone());
        response.set_with(key::RESPONSE, || id.to_string());
        if claimed.is_repeated
            && let Some(finished) = self.stored_response(principal, id).await?
        {
            return self.replay(principal, id, &finished, &order, (rates, begun)).await;
        }
        let conversation = self.conversation(principal, &order).await?;
        let header = self.header(principal, &order).with_trace(response.context());
        let mut place = None;
        if !claimed.is_repeated && order.create.generate {
            let begun = self.quota.begin(principal, id).await;
            place = Some(begun.map_err(|error| {
                let limited = Some(Box::new(Limited { rates, ..Limited::default() }));
                ApiError { limited, ..error }
            })?);
        }
        let cursor = self.begin(principal, id, &header, &conversation, order, admit).await?;
        place.into_iter().for_each(Place::keep);
        tracing::info!(
            response = %id, trace_id = response.trace_id().map(display), model = header.model, background = header.background,
            repeated = claimed.is_repeated, "response accepted"
        );
        Ok(Accepted { id, cursor, conversation: Some(conversation), rates, begun })
    }

    /// The model of this name, if it is served, and there for the caller.
    pub(crate) async fn find_model(
        &self,
        principal: &Principal,
        name: &str,
    ) -> Result<Option<broker::Model>, ApiError> {
        // Not even looked for: how long that takes would tell whether it is there.
        if !principal.knows_model(name) {
            return Ok(None);
        }
        self.roster.find(name).await.map_err(unavailable)
    }

    /// Answers from what is stored. If the stream has expired, it is told anew, in short: the beginning and the end.
    async fn replay(
        &self,
        principal: &Principal,
        id: ResponseId,
        finished: &Value,
        order: &Order,
        (rates, begun): (Rates, Instant),
    ) -> Result<Accepted, ApiError> {
        // It has ended: nobody has to attend it.
        let header = Header { background: true, ..self.header(principal, order) };
        let kind = match finished["status"].as_str() {
            Some("completed") => EventKind::Completed,
            Some("failed") => EventKind::Failed,
            _ => EventKind::Incomplete,
        };
        let created_at = finished["created_at"].as_u64().unwrap_or_default();
        let created = protocol::created(id, created_at, &order.create.request, "in_progress");
        let events = [created.into(), protocol::lifecycle(kind, finished)];
        self.broker.log.create(id, &header, &events).await.map_err(unavailable)?;
        let subscribe =
            Subscribe { model: &header.model, trace: None, from: 0, catch_up: true, leave: Leave::RunsOn };
        let cursor = self.hub.subscribe(id, subscribe).await.map_err(unavailable)?;
        // What it continued may be gone by now; whoever continues it finds it in the store.
        Ok(Accepted { id, cursor, conversation: None, rates, begun })
    }

    async fn conversation(&self, principal: &Principal, order: &Order) -> Result<Conversation, ApiError> {
        let request = &order.create.request;
        let before = match (&request.previous_response_id, &order.remembered) {
            (None, _) => Arc::default(),
            (Some(_), Some(remembered)) => Arc::clone(remembered),
            (Some(id), None) => continuation::load(self, principal, id).await?,
        };
        let new = continuation::resolve_references(&before, request.input.clone())?;
        let first_new = before.len();
        let mut conversation = Arc::unwrap_or_clone(before);
        conversation.extend(new);
        protocol::check_context(&conversation, first_new)?;
        Ok(Arc::new(conversation))
    }

    fn header(&self, principal: &Principal, order: &Order) -> Header {
        let Order { create: Create { request, .. }, on_leave, .. } = order;
        let grace = if *on_leave == OnLeave::Cancel { CANCEL_LEASE } else { self.config.grace };
        Header {
            tenant: principal.tenant.to_string(),
            user: principal.user.to_string(),
            model: request.model.clone(),
            created_at_ms: unix_micros() / 1000,
            store: request.store,
            background: request.background,
            grace_ms: grace.as_millis() as u64,
            metered: self.quota.is_metered(principal),
            ..Header::default()
        }
    }
}

fn internal(error: impl std::fmt::Display) -> ApiError {
    tracing::error!(%error, "failed to read or write a record");
    ApiError::server("internal_error", "The request could not be handled.")
}
