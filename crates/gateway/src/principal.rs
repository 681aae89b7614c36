//! Who is asking.

use std::sync::Arc;

use broker::Header;

/// A user of a tenant. Everything belongs to one, and nobody else can read, resume, cancel or learn of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    pub(crate) tenant: Arc<str>,
    pub(crate) user: Arc<str>,
}

impl Principal {
    /// The one user there is where nobody is asked who they are: on loopback.
    pub(crate) fn anonymous() -> Self {
        Self { tenant: "default".into(), user: "anonymous".into() }
    }

    /// Whether what has this owner may be seen.
    pub(crate) fn owns(&self, tenant: &str, user: &str) -> bool {
        *self.tenant == *tenant && *self.user == *user
    }

    /// Whether the response with this header may be seen.
    pub(crate) fn owns_response(&self, header: &Header) -> bool {
        self.owns(&header.tenant, &header.user)
    }
}
