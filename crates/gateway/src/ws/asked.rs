//! What a client has asked for and has to be found out: turns that are being taken in, at most as many as may be in flight, and
//! responses that are being cancelled, at most [`MAX_CANCELS`].

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use broker::Kind;
use futures_util::{Stream as _, stream::FuturesUnordered};
use protocol::{ApiError, Create, ErrorType, Resume, session::events};
use stream::ResponseId;

use super::{lanes::LaneId, turn::previous_of};
use crate::{
    Principal,
    admission::{Accepted, OnLeave, Order},
    continuation::Conversation,
    gateway::Shared,
    recall::Resumed,
};

/// So many responses may be being cancelled at a time on one connection; each takes a moment.
const MAX_CANCELS: usize = 16;

/// What is being found out.
#[derive(Default)]
pub(super) struct Asked {
    /// `None` while there is none: an empty set takes memory, too.
    answers: Option<FuturesUnordered<Asking>>,
    cancels: usize,
}

type Asking = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A turn that waits in its lane.
pub(super) enum Wish {
    /// A new response.
    Create(Box<Create>),
    /// The events of an earlier one.
    Resume(Resume),
}

/// What was found out.
pub(super) enum Answer {
    Turn(Begun),
    /// What there is to say of a response that was to be cancelled.
    Cancelled(Result<String, ApiError>),
}

/// What came of a turn.
pub(super) struct Begun {
    pub(super) lane: LaneId,
    /// What it continues.
    pub(super) previous: Option<ResponseId>,
    pub(super) result: Result<Beginning, ApiError>,
}

/// How a turn begins.
pub(super) enum Beginning {
    /// With a new response.
    Accepted(Box<Accepted>),
    /// In the middle of an earlier one.
    Resumed(ResponseId, Box<Resumed>),
}

impl Asked {
    /// Begins to take a turn in; `remembered` is the conversation that it continues, if the connection has it.
    pub(super) fn begin(
        &mut self,
        shared: &Arc<Shared>,
        principal: &Principal,
        lane: LaneId,
        wish: Wish,
        remembered: Option<Conversation>,
    ) {
        let (shared, principal) = (Arc::clone(shared), principal.clone());
        self.answers.get_or_insert_default().push(match wish {
            Wish::Create(create) => Box::pin(async move {
                let previous = previous_of(&create.request);
                let (kind, on_leave, transport) = (Kind::Response, OnLeave::Grace, "websocket");
                let order = Order { create: *create, kind, on_leave, remembered, transport };
                let accepted = shared.admit(&principal, order).await;
                let result = accepted.map(|accepted| Beginning::Accepted(Box::new(accepted)));
                Answer::Turn(Begun { lane, previous, result })
            }),
            Wish::Resume(resume) => Box::pin(async move {
                let result = find(&shared, &principal, &resume).await;
                Answer::Turn(Begun { lane, previous: None, result })
            }),
        });
    }

    /// Begins to cancel a response.
    ///
    /// # Errors
    /// When too many are being cancelled.
    pub(super) fn cancel(
        &mut self,
        shared: &Arc<Shared>,
        principal: &Principal,
        response_id: String,
    ) -> Result<(), ApiError> {
        if self.cancels == MAX_CANCELS {
            let message = format!("{MAX_CANCELS} responses are being cancelled. Wait for an answer.");
            return Err(ApiError::new(ErrorType::TooManyRequests, "too_many_requests", message));
        }
        self.cancels += 1;
        let (shared, principal) = (Arc::clone(shared), principal.clone());
        self.answers.get_or_insert_default().push(Box::pin(async move {
            Answer::Cancelled(cancel(&shared, &principal, &response_id).await)
        }));
        Ok(())
    }

    /// The next that was found out. Cancel safe.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        let Some(answers) = &mut self.answers else { return Poll::Pending };
        match Pin::new(answers).poll_next(cx) {
            Poll::Ready(Some(answer)) => {
                self.cancels -= usize::from(matches!(answer, Answer::Cancelled(_)));
                Poll::Ready(answer)
            }
            // Without any there is nothing to wait for.
            Poll::Ready(None) => {
                self.answers = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

async fn find(shared: &Shared, principal: &Principal, resume: &Resume) -> Result<Beginning, ApiError> {
    let not_found = || shared.response_not_found(&resume.response_id);
    let id: ResponseId = resume.response_id.parse().map_err(|_| not_found())?;
    let resumed = shared.resume(principal, id, resume.starting_after, None).await?.ok_or_else(not_found)?;
    Ok(Beginning::Resumed(id, Box::new(resumed)))
}

async fn cancel(shared: &Shared, principal: &Principal, response_id: &str) -> Result<String, ApiError> {
    let not_found = || shared.response_not_found(response_id);
    let id: ResponseId = response_id.parse().map_err(|_| not_found())?;
    let resource = shared.cancel(principal, id).await?.ok_or_else(not_found)?;
    Ok(events::cancelled(response_id, &resource["status"]))
}
