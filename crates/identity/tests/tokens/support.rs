//! A gateway's view of an issuer.

use std::{sync::Arc, time::Duration};

use identity::{Authenticator, Claims, Config, Credential, Identity, IssuerConfig, Keys, Refusal, Scopes};
use testkit::openid::{AUDIENCE, OpenId};
use tokio::time::{Instant, timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Nothing here may take longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The issuer, as it is set by default in these tests.
pub(crate) fn issuer(issuer: &str, keys: Keys) -> IssuerConfig {
    IssuerConfig {
        issuer: issuer.to_owned(),
        audience: vec!["other".to_owned(), AUDIENCE.to_owned()],
        keys,
        leeway: Duration::from_secs(5),
        claims: Claims::default(),
        tenant: None,
        scopes: Scopes::usual(),
        refresh_interval: Duration::from_secs(600),
        // None, so that a test need not wait; there is a test of its own for the bound.
        min_refresh_interval: Duration::ZERO,
        max_key_age: Duration::from_secs(3600),
    }
}

/// An authenticator whose keys are kept up to date until it is dropped.
pub(crate) struct Door {
    authenticator: Arc<Authenticator>,
    _keeps: DropGuard,
}

impl Door {
    pub(crate) fn new(issuers: Vec<IssuerConfig>) -> Self {
        let authenticator = Arc::new(Authenticator::build(Config { issuers, ..Config::default() }).unwrap());
        let done = CancellationToken::new();
        TaskTracker::new().spawn(Arc::clone(&authenticator).keep(done.clone()));
        Self { authenticator, _keeps: done.drop_guard() }
    }

    /// For the tokens of this server, found by discovery.
    pub(crate) fn of(server: &OpenId) -> Self {
        Self::new(vec![issuer(server.issuer(), Keys::Discovery)])
    }

    pub(crate) async fn check(&self, token: &str) -> Result<Arc<Identity>, Refusal> {
        let credential = Credential::of(token);
        timeout(PATIENCE, self.authenticator.authenticate(Some(&credential))).await.unwrap()
    }

    /// Whether the token is refused as one that is not valid, and nothing else.
    pub(crate) async fn is_invalid(&self, token: &str) -> bool {
        matches!(self.check(token).await, Err(Refusal::Invalid(_)))
    }

    pub(crate) fn readiness(&self) -> Result<(), String> {
        self.authenticator.readiness()
    }

    /// Waits until it is ready, or is not.
    pub(crate) async fn until_ready(&self, is_ready: bool) {
        let deadline = Instant::now() + PATIENCE;
        while self.readiness().is_ok() != is_ready {
            assert!(Instant::now() < deadline, "{:?}", self.readiness());
            tokio::task::yield_now().await;
        }
    }
}
