//! How this process is: what `/readyz` answers.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use broker::Broker;
use identity::Authenticator;
use tokio::sync::watch;

/// How long a broker that is in reach may take to answer.
const BROKER_PATIENCE: Duration = Duration::from_secs(1);

/// Where this process is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// On its way to work; what it waits for.
    Starting(String),
    /// At work.
    Ready,
    /// On its way out.
    Draining,
}

/// The status, shared between those who know it and those who ask.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    phase: Arc<watch::Sender<Phase>>,
    broker: Arc<OnceLock<Broker>>,
    authenticator: Arc<OnceLock<Arc<Authenticator>>>,
}

impl Status {
    /// The status of a process that has just begun.
    pub(crate) fn starting() -> Self {
        let phase = watch::Sender::new(Phase::Starting("just started".to_owned()));
        Self { phase: Arc::new(phase), broker: Arc::default(), authenticator: Arc::default() }
    }

    /// Still starting: waiting for `what`.
    pub(crate) fn waits_for(&self, what: impl Into<String>) {
        self.phase.send_replace(Phase::Starting(what.into()));
    }

    /// Ready only as long as callers can be told apart.
    pub(crate) fn depends_on(&self, authenticator: &Arc<Authenticator>) {
        self.authenticator.get_or_init(|| Arc::clone(authenticator));
    }

    /// At work; ready as long as `broker` is in reach.
    pub(crate) fn ready(&self, broker: Broker) {
        self.broker.get_or_init(|| broker);
        // A drain that came first stays.
        self.phase.send_if_modified(|phase| {
            let begins = matches!(phase, Phase::Starting(_));
            if begins {
                *phase = Phase::Ready;
            }
            begins
        });
    }

    /// No new work, from now on.
    pub(crate) fn draining(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// Whether new work may be sent here; if not, why not.
    pub(crate) async fn readiness(&self) -> Result<(), String> {
        match &*self.phase.borrow() {
            Phase::Starting(what) => return Err(format!("starting: {what}")),
            Phase::Draining => return Err("draining".to_owned()),
            Phase::Ready => {}
        }
        if let Some(authenticator) = self.authenticator.get() {
            authenticator.readiness()?;
        }
        let Some(broker) = self.broker.get() else { return Err("starting: no broker yet".to_owned()) };
        // Any key will do: what counts is that an answer comes.
        match tokio::time::timeout(BROKER_PATIENCE, broker.store.get("readyz")).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("the broker fails: {}", crate::failure::chain(&error))),
            Err(_) => Err(format!("the broker does not answer within {} s", BROKER_PATIENCE.as_secs())),
        }
    }
}
