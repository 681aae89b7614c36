//! Keys that have to be fetched: one task fetches them, before they age and when a token names one that is not known; everyone
//! else waits for what it finds, a bounded time.
//!
//! ```text
//!   due, or asked for ─▶ fetch ─▶ keys in use, due again after refresh_interval
//!                            └──▶ failed: the old keys stay in use for max_key_age; due again after 1 s, 2 s, … 60 s
//! ```

use std::{sync::Arc, time::Duration};

use jsonwebtoken::Header;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{IssuerConfig, KeyError, fetch::Fetcher, key_set::KeySet};
use crate::Refusal;

/// How long a request waits for keys that are being fetched.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long after a failure keys are fetched again: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The keys of an issuer that publishes them.
#[derive(Debug)]
pub(super) struct Remote {
    fetcher: Fetcher,
    refresh_interval: Duration,
    min_refresh_interval: Duration,
    max_key_age: Duration,
    known: watch::Sender<Known>,
    /// A token names a key that is not known. Any number of such wishes are one.
    wanted: Notify,
}

/// What is known of the keys.
#[derive(Debug, Clone, Default)]
struct Known {
    keys: Arc<KeySet>,
    /// When the keys were had.
    fetched: Option<Instant>,
    /// When it was tried last, and came to an end.
    tried: Option<Instant>,
    failure: Option<String>,
}

impl Remote {
    pub(super) fn new(config: &IssuerConfig) -> Result<Self, KeyError> {
        Ok(Self {
            fetcher: Fetcher::new(&config.issuer, &config.keys)?,
            refresh_interval: config.refresh_interval,
            min_refresh_interval: config.min_refresh_interval,
            max_key_age: config.max_key_age,
            known: watch::Sender::new(Known::default()),
            wanted: Notify::new(),
        })
    }

    /// The keys, with one for such a token among them if the issuer has one. Cancel safe.
    pub(super) async fn keys_for(&self, head: &Header) -> Result<Arc<KeySet>, Refusal> {
        let asked = Instant::now();
        let known = self.known.borrow().clone();
        match self.usable(&known) {
            Some(keys) if keys.has(head) => return Ok(keys),
            Some(keys) if !self.may_fetch(&known) => return Ok(keys),
            None if !self.may_fetch(&known) => return Err(Refusal::Unavailable),
            _ => {}
        }
        let mut changes = self.known.subscribe();
        self.wanted.notify_one();
        let tried = changes.wait_for(|known| known.tried.is_some_and(|at| at >= asked));
        // Whatever comes of it: what is known then is what counts.
        let _ = timeout(PATIENCE, tried).await.map(drop);
        let known = self.known.borrow().clone();
        self.usable(&known).ok_or(Refusal::Unavailable)
    }

    /// The keys, unless they are too old to be relied on.
    fn usable(&self, known: &Known) -> Option<Arc<KeySet>> {
        known.fetched.filter(|at| at.elapsed() <= self.max_key_age).map(|_| Arc::clone(&known.keys))
    }

    fn may_fetch(&self, known: &Known) -> bool {
        known.tried.is_none_or(|at| at.elapsed() >= self.min_refresh_interval)
    }

    /// How many keys can be fetched now.
    pub(super) async fn try_fetch(&self) -> Result<usize, String> {
        self.fetcher.fetch().await.map(|keys| keys.count())
    }

    /// Fetches the keys when it is time, one fetch at a time; for ever.
    pub(super) async fn keep(&self) {
        let mut due = Instant::now();
        let mut pause = RETRY.0;
        loop {
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.wanted.notified() => {
                    // Many may have asked for what was just fetched; and one for a key that came just after.
                    if let Some(at) = self.known.borrow().tried
                        && at.elapsed() < self.min_refresh_interval
                    {
                        due = due.min(at + self.min_refresh_interval);
                        continue;
                    }
                }
            }
            let wait = match self.fetcher.fetch().await {
                Ok(keys) => {
                    self.take(keys);
                    pause = RETRY.0;
                    self.refresh_interval
                }
                Err(why) => {
                    self.fail(why);
                    let wait = pause;
                    pause = (pause * 2).min(RETRY.1);
                    wait
                }
            };
            due = Instant::now() + wait;
        }
    }

    fn take(&self, keys: KeySet) {
        let now = Some(Instant::now());
        let before =
            self.known.send_replace(Known { keys: Arc::new(keys), fetched: now, tried: now, failure: None });
        if before.fetched.is_none() || before.failure.is_some() {
            tracing::info!(url = self.fetcher.url(), "the issuer's keys are known");
        }
    }

    fn fail(&self, why: String) {
        tracing::warn!(why, "failed to fetch an issuer's keys");
        self.known.send_modify(|known| {
            known.tried = Some(Instant::now());
            known.failure = Some(why);
        });
    }

    pub(super) fn readiness(&self) -> Result<(), String> {
        let known = self.known.borrow().clone();
        match self.usable(&known) {
            Some(_) => Ok(()),
            None => Err(known
                .failure
                .unwrap_or_else(|| format!("the keys at {} are not there yet", self.fetcher.url()))),
        }
    }
}
