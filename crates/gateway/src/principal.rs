//! Who is asking.

use std::{ops::Deref, sync::Arc};

use broker::Header;
use identity::{Identity, Refusal};
use protocol::ApiError;

/// The identity of who is asking, in the gateway's own terms. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Principal(Arc<Identity>);

impl Principal {
    pub(crate) const fn new(identity: Arc<Identity>) -> Self {
        Self(identity)
    }

    /// Whether the response with this header may be seen.
    pub(crate) fn owns_response(&self, header: &Header) -> bool {
        self.owns(&header.tenant, &header.user)
    }

    /// Whether the model of this name is there for the caller. What is not allowed looks the same as what does not exist.
    pub(crate) fn knows_model(&self, name: &str) -> bool {
        self.scopes.models.allows(name)
    }
}

impl Deref for Principal {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

/// Notes for the operator why somebody was not let in, and tells the caller less.
pub(crate) fn refused(refusal: Refusal) -> ApiError {
    tracing::info!(why = %refusal, "credential refused");
    refusal.error()
}
