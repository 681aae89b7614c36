//! Requests of a connection that are being taken in: at most as many as it may have in flight.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use broker::Kind;
use futures_util::{Stream as _, stream::FuturesUnordered};
use protocol::{ApiError, Create, Request};
use tokio::time::Instant;

use super::lanes::LaneId;
use crate::{
    Principal,
    admission::{Accepted, OnLeave, Order},
    continuation::Conversation,
    gateway::Shared,
};

/// What is being taken in.
#[derive(Default)]
pub(super) struct Admissions(FuturesUnordered<Admission>);

type Admission = Pin<Box<dyn Future<Output = Admitted> + Send>>;

/// What came of a request.
pub(super) struct Admitted {
    pub(super) lane: LaneId,
    pub(super) request: Request,
    pub(super) begun: Instant,
    pub(super) result: Result<Accepted, ApiError>,
}

impl Admissions {
    /// Begins to take a request in; `remembered` is the conversation that it continues, if the connection has it.
    pub(super) fn begin(
        &self,
        shared: &Arc<Shared>,
        principal: &Principal,
        lane: LaneId,
        create: Create,
        remembered: Option<Conversation>,
    ) {
        let (shared, principal, begun) = (Arc::clone(shared), principal.clone(), Instant::now());
        self.0.push(Box::pin(async move {
            let request = create.request.clone();
            let transport = "websocket";
            let order =
                Order { create, kind: Kind::Response, on_leave: OnLeave::Grace, remembered, transport };
            let result = shared.admit(&principal, order).await;
            Admitted { lane, request, begun, result }
        }));
    }

    /// The next that was taken in, or refused. Cancel safe.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Admitted> {
        match Pin::new(&mut self.0).poll_next(cx) {
            Poll::Ready(Some(admitted)) => Poll::Ready(admitted),
            // Without any there is nothing to wait for.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}
