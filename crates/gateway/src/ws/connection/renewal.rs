//! Another token for a connection that lives on: checked beside everything else, and taken if it is of the same user.

use std::{future::Future, pin::Pin, sync::Arc};

use identity::Credential;
use protocol::{ApiError, ErrorType, Secret, token};
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{Connection, Validity};
use crate::{Principal, principal::refused};

/// A token that is being checked.
pub(super) type Update = Pin<Box<dyn Future<Output = Result<Principal, ApiError>> + Send>>;

/// What is cancelled when the caller's credential is revoked.
pub(super) fn revocation(principal: &Principal) -> Option<Pin<Box<WaitForCancellationFutureOwned>>> {
    principal.revocation().map(|revoked| Box::pin(revoked.cancelled_owned()))
}

impl Connection {
    /// Checks another token, beside everything else. Until then the old one counts.
    pub(super) fn begin_update(&mut self, token: &Secret) {
        if self.update.is_some() {
            let message = "Another token is being checked. Wait for the answer.";
            return self
                .say_error(&ApiError::new(ErrorType::TooManyRequests, "too_many_requests", message), None);
        }
        let (authenticator, credential) =
            (Arc::clone(&self.shared.authenticator), Credential::of(token.reveal()));
        self.update = Some(Box::pin(async move {
            authenticator.authenticate(Some(&credential)).await.map(Principal::new).map_err(refused)
        }));
    }

    /// Goes on with another token, if it is of the same user: what runs and what is remembered here is theirs.
    pub(super) fn take_update(&mut self, updated: Result<Principal, ApiError>) {
        let principal = match updated {
            Ok(principal) => principal,
            Err(error) => return self.say_error(&error, None),
        };
        if !principal.is_same_user(&self.principal) {
            let message =
                "The token is of another user than this connection's. Open a new connection with it.";
            return self.say_error(&ApiError::invalid("token", "identity_mismatch", message), None);
        }
        let now = Instant::now();
        self.validity = Validity::until(principal.expires_at, now);
        self.revoked = revocation(&principal);
        self.principal = principal;
        tracing::info!(expires_at = self.validity.expires_at, "websocket goes on with another token");
        self.say(token::updated(self.validity.expires_at));
        self.timer.as_mut().reset(now);
    }
}
