//! Who is at the other end of a connection: by which credential, how long that is good, and by which other one from then on.
//!
//! Another token is checked beside everything else, and taken if it is of the same user: what runs and what is remembered on the
//! connection is theirs.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use identity::{Authenticator, Credential};
use protocol::{ApiError, ErrorType, Secret};
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::validity::Validity;
use crate::{Principal, principal::refused};

/// The caller of a connection.
pub(super) struct Caller {
    principal: Principal,
    /// How long the credential is good.
    pub(super) validity: Validity,
    /// Another token, while it is checked: one at a time.
    update: Option<Update>,
    /// `None` if the credential cannot be revoked.
    revoked: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

type Update = Pin<Box<dyn Future<Output = Result<Principal, ApiError>> + Send>>;

/// What happens to a caller's credential.
pub(super) enum News {
    /// Another token was checked: whose it is, or why it does not count.
    Checked(Result<Principal, ApiError>),
    /// It was revoked.
    Revoked,
}

impl Caller {
    pub(super) fn new(principal: Principal, now: Instant) -> Self {
        let revoked = principal.revocation().map(|revoked| Box::pin(revoked.cancelled_owned()));
        let validity = Validity::until(principal.expires_at, now);
        Self { principal, validity, update: None, revoked }
    }

    pub(super) const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What happens next. Cancel safe.
    pub(super) fn poll_news(&mut self, cx: &mut Context<'_>) -> Poll<News> {
        if let Some(update) = &mut self.update
            && let Poll::Ready(checked) = update.as_mut().poll(cx)
        {
            self.update = None;
            return Poll::Ready(News::Checked(checked));
        }
        if self.revoked.as_mut().is_some_and(|revoked| revoked.as_mut().poll(cx).is_ready()) {
            self.revoked = None;
            return Poll::Ready(News::Revoked);
        }
        Poll::Pending
    }

    /// Begins to check another token. Until it is taken the old one counts.
    ///
    /// # Errors
    /// While one is being checked.
    pub(super) fn check(
        &mut self,
        authenticator: &Arc<Authenticator>,
        token: &Secret,
    ) -> Result<(), ApiError> {
        if self.update.is_some() {
            let message = "Another token is being checked. Wait for the answer.";
            return Err(ApiError::new(ErrorType::TooManyRequests, "too_many_requests", message));
        }
        let (authenticator, credential) = (Arc::clone(authenticator), Credential::of(token.reveal()));
        self.update = Some(Box::pin(async move {
            authenticator.authenticate(Some(&credential)).await.map(Principal::new).map_err(refused)
        }));
        Ok(())
    }

    /// Goes on by another token. When that ends, in seconds since 1970, if it does.
    ///
    /// # Errors
    /// When it is of another user.
    pub(super) fn take(&mut self, principal: Principal, now: Instant) -> Result<Option<u64>, ApiError> {
        if !principal.is_same_user(&self.principal) {
            let message =
                "The token is of another user than this connection's. Open a new connection with it.";
            return Err(ApiError::invalid("token", "identity_mismatch", message));
        }
        *self = Self::new(principal, now);
        tracing::info!(expires_at = self.principal.expires_at, "websocket goes on with another token");
        Ok(self.principal.expires_at)
    }
}
