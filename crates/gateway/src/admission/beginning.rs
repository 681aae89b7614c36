//! What is written when a response is taken in: its stream, its job, and what is remembered of its request.

use std::{mem, time::Duration};

use broker::{Creation, Header, Job, Kind, Store};
use protocol::{ApiError, Create, Item, Request, StoredInput, StoredResponse};
use serde::Serialize;
use stream::{Event, ResponseId, Whole};
use trace::{Span, key};

use super::{OnLeave, Order, internal};
use crate::{
    Principal,
    continuation::unavailable,
    delivery::{Cursor, Leave, Subscribe},
    ending::unix_micros,
    gateway::Shared,
    limit::Place,
};

impl Shared {
    /// Creates the stream and enqueues the job. Done twice for the same id it changes nothing.
    pub(super) async fn begin(
        &self,
        principal: &Principal,
        id: ResponseId,
        header: &Header,
        conversation: &[Item],
        order: Order,
        admit: &Span,
    ) -> Result<Cursor, ApiError> {
        let Order { create: Create { mut request, generate, .. }, kind, on_leave, .. } = order;
        let leave = match on_leave {
            OnLeave::Cancel => Leave::Cancel,
            OnLeave::Grace => Leave::of(header),
        };
        let trace = header.trace();
        let subscribe =
            Subscribe { model: &header.model, trace: trace.as_ref(), from: 0, catch_up: false, leave };
        let first = first_events(id, header, &request, generate);
        let work = match generate {
            true => Some(self.work(id, header, kind, (&mut request, conversation), admit)?),
            false => None,
        };
        let (cursor, begun, remembered) = tokio::join!(
            self.hub.subscribe(id, subscribe),
            self.create(id, header, &first.events, work),
            self.remember(id, header, &request, first.end.as_ref()),
        );
        remembered.map_err(unavailable)?;
        let (created, work) = begun?;
        let mut cursor = cursor.map_err(unavailable)?;
        match created {
            Creation::Created => cursor.prime(first.events),
            Creation::Existed => cursor.catch_up(),
        }
        if let Some(work) = work
            && (created == Creation::Created || self.is_unfinished(id).await?)
        {
            // What another gateway has left half done may not count yet.
            let place = match created {
                Creation::Existed => Some(self.quota.begin(principal, id).await?),
                Creation::Created => None,
            };
            self.enqueue(work).await?;
            place.into_iter().for_each(Place::keep);
        }
        Ok(cursor)
    }

    /// The job of a response, and the span of its way into the queue.
    fn work(
        &self,
        id: ResponseId,
        header: &Header,
        kind: Kind,
        (request, conversation): (&mut Request, &[Item]),
        admit: &Span,
    ) -> Result<Work, ApiError> {
        let mut span = self.config.tracer.span(trace::Kind::Producer, "enqueue", admit.context());
        span.set(key::MESSAGING_OPERATION, "enqueue");
        span.set(key::MESSAGING_OPERATION_TYPE, "send");
        span.set_with(key::DESTINATION, || header.model.clone());
        span.set_with(key::MESSAGE, || id.to_string());
        span.set_with(key::CLIENT, || self.member.to_string());
        let trace = span.context().cloned();
        // A worker gets the whole conversation; what is remembered of the request is its own part.
        let own = mem::replace(&mut request.input, conversation.to_vec());
        let bytes = serde_json::to_vec(&request);
        request.input = own;
        let request = bytes.map_err(internal)?.into();
        let job = Job { id, header: header.clone(), kind, request, trace, enqueued_at_us: unix_micros() };
        Ok(Work { job, span })
    }

    /// Creates the stream; with its job, where the broker does both at once. What is given back is still to be enqueued, if
    /// the stream lacks it.
    async fn create(
        &self,
        id: ResponseId,
        header: &Header,
        events: &[Event],
        work: Option<Work>,
    ) -> Result<(Creation, Option<Work>), ApiError> {
        if let Some(Work { job, mut span }) = work {
            let begun = self.broker.jobs.begin(&job, events).await.map_err(|error| {
                span.fail("broker");
                unavailable(error)
            })?;
            if begun == Some(Creation::Created) {
                return Ok((Creation::Created, None));
            }
            let created = match begun {
                Some(existed) => existed,
                None => self.broker.log.create(id, header, events).await.map_err(unavailable)?,
            };
            return Ok((created, Some(Work { job, span })));
        }
        Ok((self.broker.log.create(id, header, events).await.map_err(unavailable)?, None))
    }

    async fn enqueue(&self, Work { mut job, mut span }: Work) -> Result<(), ApiError> {
        job.enqueued_at_us = unix_micros();
        self.broker.jobs.enqueue(&job).await.map_err(|error| {
            span.fail("broker");
            unavailable(error)
        })
    }

    /// Whether a stream that was there already may still lack its job. Enqueueing twice does no harm.
    /// A log that cannot be read says neither: then the client has to ask again.
    async fn is_unfinished(&self, id: ResponseId) -> Result<bool, ApiError> {
        let page = self.broker.log.read(id, 1, 1).await.map_err(unavailable)?;
        Ok(page.is_some_and(|page| page.records.iter().all(|record| record.next() <= 1)))
    }

    /// What is known of a stored response before a worker has it: its input, and its end if it generates nothing.
    async fn remember(
        &self,
        id: ResponseId,
        header: &Header,
        request: &Request,
        end: Option<&Whole>,
    ) -> Result<(), broker::Error> {
        if !header.store {
            return Ok(());
        }
        let input = StoredInput {
            tenant: header.tenant.clone(),
            user: header.user.clone(),
            input: request.input.clone(),
            previous_response_id: request.previous_response_id.clone(),
        };
        let (store, ttl) = (&*self.broker.store, self.config.store_ttl);
        remember_input(store, id, &input, ttl).await?;
        match end.and_then(|end| StoredResponse::of(&header.tenant, &header.user, end)) {
            Some(response) => store.put(&StoredResponse::key(id), response.into(), ttl).await,
            None => Ok(()),
        }
    }
}

/// What is to be enqueued.
struct Work {
    job: Job,
    /// Until it is.
    span: Span,
}

/// Stores what a client gave with its request.
pub(crate) async fn remember_input(
    store: &dyn Store,
    id: ResponseId,
    input: &StoredInput,
    ttl: Duration,
) -> Result<(), broker::Error> {
    put(store, &StoredInput::key(id), input, ttl).await
}

async fn put(
    store: &dyn Store,
    key: &str,
    value: &impl Serialize,
    ttl: Duration,
) -> Result<(), broker::Error> {
    let value = serde_json::to_vec(value).map_err(broker::Error::refused)?;
    store.put(key, value.into(), ttl).await
}

/// What a stream begins with.
pub(crate) struct First {
    pub(crate) events: Vec<Event>,
    /// The event that ends it, if it generates nothing and is over at once.
    end: Option<Whole>,
}

pub(crate) fn first_events(id: ResponseId, header: &Header, request: &Request, generate: bool) -> First {
    let status = if header.background { "queued" } else { "in_progress" };
    let created_at = header.created_at_ms / 1000;
    let created = protocol::created(id, created_at, request, status);
    if generate {
        return First { events: vec![created.into()], end: None };
    }
    let end = protocol::end(Some(&created), Vec::new(), None, &protocol::Outcome::Completed, created_at);
    First { events: vec![created.into(), end.clone().into()], end: Some(end) }
}
