//! Who is asking, and what they may.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::Scopes;

/// A user of a tenant, by one credential. Everything belongs to a user, and nobody else can read, resume, cancel or learn of it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Whose user.
    pub tenant: Arc<str>,
    /// Who, within the tenant.
    pub user: Arc<str>,
    /// What the credential allows of what the user may.
    pub scopes: Scopes,
    /// Limits of the credential's own.
    pub allowance: Allowance,
    /// When the credential ends, in seconds since 1970; `None` if it does not by itself.
    pub expires_at: Option<u64>,
    /// What kind of credential it was.
    pub source: Source,
    /// Cancelled when the credential is revoked.
    pub(crate) revoked: Option<CancellationToken>,
}

/// Limits of one credential; `None` where it has none of its own. They are carried here; who limits, enforces them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// Requests per minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute, input and output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Responses in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses_in_flight: Option<u64>,
}

/// What told who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody was asked.
    Nothing,
    /// The API key with this id.
    ApiKey(Arc<str>),
    /// A client secret, made with the API key of this id, if it was one.
    ClientSecret(Option<Arc<str>>),
    /// A token of this issuer.
    Token(Arc<str>),
}

impl Identity {
    /// The one user there is where nobody is asked who they are: on loopback.
    pub fn anonymous() -> Self {
        Self::new("default", "anonymous", Scopes::everything(), Source::Nothing)
    }

    /// A user by a credential that does not end and has no limits.
    pub fn new(
        tenant: impl Into<Arc<str>>,
        user: impl Into<Arc<str>>,
        scopes: Scopes,
        source: Source,
    ) -> Self {
        Self {
            tenant: tenant.into(),
            user: user.into(),
            scopes,
            allowance: Allowance::default(),
            expires_at: None,
            source,
            revoked: None,
        }
    }

    /// The same, until `revoked` is cancelled.
    #[must_use]
    pub(crate) fn until(mut self, revoked: CancellationToken) -> Self {
        self.revoked = Some(revoked);
        self
    }

    /// Whether what has this owner may be seen.
    pub fn owns(&self, tenant: &str, user: &str) -> bool {
        *self.tenant == *tenant && *self.user == *user
    }

    /// Whether it is the same user of the same tenant, by whatever credential.
    pub fn is_same_user(&self, other: &Self) -> bool {
        self.owns(&other.tenant, &other.user)
    }

    /// What is cancelled when the credential is revoked, if it can be.
    pub fn revocation(&self) -> Option<CancellationToken> {
        self.revoked.clone()
    }
}

impl Allowance {
    /// What both allow: of each limit the lower.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let lower = |one: Option<u64>, two: Option<u64>| match (one, two) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            requests_per_minute: lower(self.requests_per_minute, other.requests_per_minute),
            tokens_per_minute: lower(self.tokens_per_minute, other.tokens_per_minute),
            responses_in_flight: lower(self.responses_in_flight, other.responses_in_flight),
        }
    }
}
