//! What a user, and a tenant, may take of the whole system: requests and tokens a minute, responses in flight.
//!
//! It is counted in the store, where all gateways see it. The last minute counts for as much of it as is still within sixty seconds, so
//! that nobody gets twice as much around the full minute. While the store is away, or slow, each gateway counts on its own:
//! then as many times as much as there are gateways gets through, and not everything.

use std::{collections::HashMap, sync::Arc, time::Duration};

use broker::{
    Store,
    account::{Account, Taken, minute},
};
use parking_lot::Mutex;
use protocol::{ApiError, ErrorType, Limited, Rate, Rates};
use stream::ResponseId;

use crate::Principal;

/// The store has so long to say what was taken. It is asked before each response, and nobody should wait for it in vain.
const PATIENCE: Duration = Duration::from_millis(250);

/// As many accounts are counted here in one minute, for when the store is away. Others are let in then, uncounted: to refuse them
/// would be to refuse those who did nothing.
const MAX_LOCAL: usize = 100_000;

/// What one user or tenant may take. 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Responses asked for in a minute.
    pub requests_per_minute: u64,
    /// Tokens in a minute, read and written, counted when their response ends. Who has taken more waits until it is less.
    pub tokens_per_minute: u64,
    /// Responses that run or wait at a time.
    pub in_flight: usize,
}

/// What users and tenants may take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quotas {
    /// Each user, unless something else is said of them.
    pub user: Allowance,
    /// Each tenant, with all of its users.
    pub tenant: Allowance,
}

/// Counts what is taken, and says when it is enough.
pub(crate) struct Quota {
    quotas: Quotas,
    store: Arc<dyn Store>,
    local: Mutex<Local>,
}

/// What was asked for at this gateway.
#[derive(Default)]
struct Local {
    minute: u64,
    this: HashMap<Account, i64>,
    last: HashMap<Account, i64>,
}

impl Quota {
    pub(crate) fn new(quotas: Quotas, store: Arc<dyn Store>) -> Self {
        Self { quotas, store, local: Mutex::default() }
    }

    /// What counts for `principal`: what its credential says of the user, and the settings where that says nothing.
    fn accounts(&self, principal: &Principal) -> [(Account, Allowance); 2] {
        let (own, usual) = (principal.allowance, self.quotas.user);
        let in_flight = own.responses_in_flight.and_then(|limit| usize::try_from(limit).ok());
        let user = Allowance {
            requests_per_minute: own.requests_per_minute.unwrap_or(usual.requests_per_minute),
            tokens_per_minute: own.tokens_per_minute.unwrap_or(usual.tokens_per_minute),
            in_flight: in_flight.unwrap_or(usual.in_flight),
        };
        [
            (Account::of_user(&principal.tenant, &principal.user), user),
            (Account::of_tenant(&principal.tenant), self.quotas.tenant),
        ]
    }

    /// Whether anything is counted for `principal`.
    pub(crate) fn is_metered(&self, principal: &Principal) -> bool {
        self.accounts(principal).iter().any(|(_, allowance)| *allowance != Allowance::default())
    }

    /// Counts a request of `principal`: what is left after it. One too many does not count, and is told when to come again.
    pub(crate) async fn request(&self, principal: &Principal) -> Result<Rates, ApiError> {
        self.request_at(principal, minute()).await
    }

    async fn request_at(&self, principal: &Principal, now: (u64, f64)) -> Result<Rates, ApiError> {
        let [user, tenant] = self.accounts(principal);
        let (user, tenant) = tokio::join!(self.request_on(&user, now), self.request_on(&tenant, now));
        tenant.and(user)
    }

    async fn request_on(
        &self,
        (account, allowance): &(Account, Allowance),
        now: (u64, f64),
    ) -> Result<Rates, ApiError> {
        let requests = self.window(account, Taken::Requests, allowance.requests_per_minute, now, 1);
        let tokens = self.window(account, Taken::Tokens, allowance.tokens_per_minute, now, 0);
        let (requests, tokens) = tokio::join!(requests, tokens);
        let refused = match (&requests, &tokens) {
            (Some(requests), _) if requests.taken() + 1.0 > requests.limit as f64 => {
                Some((requests, "requests"))
            }
            (_, Some(tokens)) if tokens.taken() >= tokens.limit as f64 => Some((tokens, "tokens")),
            _ => None,
        };
        let rates = |more: f64| Rates {
            requests: requests.as_ref().map(|window| window.rate(more)),
            tokens: tokens.as_ref().map(|window| window.rate(0.0)),
        };
        let Some((window, what)) = refused else { return Ok(rates(1.0)) };
        let error = too_many(window, what, rates(0.0));
        if requests.is_some() {
            self.count(account, Taken::Requests, now.0, -1).await;
        }
        Err(error)
    }

    /// What was taken before `more` is, which is taken now; `None` where there is no limit.
    async fn window(
        &self,
        account: &Account,
        taken: Taken,
        limit: u64,
        (minute, passed): (u64, f64),
        more: i64,
    ) -> Option<Window> {
        if limit == 0 {
            return None;
        }
        let (this, last) =
            tokio::join!(self.count(account, taken, minute, more), self.count(account, taken, minute - 1, 0));
        Some(Window { limit, this: (this - more) as f64, last: last as f64, passed })
    }

    /// Adds to what was taken in a minute, and returns what that comes to: in the store, or, while that does not answer, here.
    async fn count(&self, account: &Account, taken: Taken, minute: u64, amount: i64) -> i64 {
        // Counted in any case: it may be needed with the next request.
        let here = match taken {
            Taken::Requests => self.local.lock().take(account, minute, amount),
            // These are counted by workers. What is not known is not held against anyone.
            Taken::Tokens => 0,
        };
        let asked = account.take(&*self.store, taken, minute, amount);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(sum)) => sum,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the store does not count: this gateway does");
                here
            }
            Err(_) => {
                tracing::debug!("the store is slow to count: this gateway does");
                here
            }
        }
    }

    /// Counts the response as in flight, if its user and tenant may have one more.
    pub(crate) async fn begin(&self, principal: &Principal, id: ResponseId) -> Result<(), ApiError> {
        for (account, Allowance { in_flight, .. }) in self.accounts(principal) {
            if in_flight == 0 {
                continue;
            }
            let asked = account.begin(&*self.store, id, in_flight);
            // A store that does not answer lets them in: how many there can be is bounded by what is asked for in a minute.
            if let Ok(Ok(false)) = tokio::time::timeout(PATIENCE, asked).await {
                self.end(principal, id).await;
                let message =
                    format!("{in_flight} responses are in flight, which is the limit. Wait for one to end.");
                return Err(ApiError::new(ErrorType::TooManyRequests, "rate_limit_exceeded", message));
            }
        }
        Ok(())
    }

    /// A response has ended, or has not begun after all.
    pub(crate) async fn end(&self, principal: &Principal, id: ResponseId) {
        for (account, allowance) in self.accounts(principal) {
            if allowance.in_flight > 0
                && let Err(error) = account.end(&*self.store, id).await
            {
                tracing::debug!(%error, "failed to say that a response is not in flight");
            }
        }
    }
}

impl Local {
    fn take(&mut self, account: &Account, minute: u64, amount: i64) -> i64 {
        if minute > self.minute {
            self.last = match minute == self.minute + 1 {
                true => std::mem::take(&mut self.this),
                false => HashMap::new(),
            };
            self.this.clear();
            self.minute = minute;
        }
        let counts = if minute == self.minute { &mut self.this } else { &mut self.last };
        if amount != 0 && (counts.len() < MAX_LOCAL || counts.contains_key(account)) {
            *counts.entry(account.clone()).or_default() += amount;
        }
        counts.get(account).copied().unwrap_or_default()
    }
}

/// What was taken in this minute and the last, of a limit.
struct Window {
    limit: u64,
    this: f64,
    last: f64,
    /// How much of this minute has passed.
    passed: f64,
}

impl Window {
    /// What was taken within sixty seconds, as if what was taken in the last minute had been so evenly.
    fn taken(&self) -> f64 {
        self.last * (1.0 - self.passed) + self.this
    }

    /// What is left when `more` is taken now.
    fn rate(&self, more: f64) -> Rate {
        let (taken, this) = (self.taken() + more, self.this + more);
        let remaining = (self.limit as f64 - taken).max(0.0) as u64;
        let minutes = if this > 0.0 { 2.0 - self.passed } else { 1.0 - self.passed };
        let reset = if taken > 0.0 { Duration::from_secs_f64(60.0 * minutes) } else { Duration::ZERO };
        Rate { limit: self.limit, remaining, reset }
    }

    /// How long until one more may be taken.
    fn wait(&self) -> Duration {
        // What has to be gone of the earlier minute, for one more to fit beside the later.
        let until =
            |earlier: f64, later: f64| 1.0 - (self.limit as f64 - 1.0 - later).max(0.0) / earlier.max(1.0);
        let minutes = if self.this < self.limit as f64 {
            until(self.last, self.this) - self.passed
        } else {
            1.0 - self.passed + until(self.this, 0.0)
        };
        Duration::from_secs_f64(60.0 * minutes.clamp(0.0, 2.0)).max(Duration::from_secs(1))
    }
}

fn too_many(window: &Window, what: &str, rates: Rates) -> ApiError {
    let (limit, wait) = (window.limit, window.wait());
    let message = format!(
        "The limit of {limit} {what} a minute is reached. Try again in {} s.",
        wait.as_secs_f64().ceil()
    );
    let error = ApiError::new(ErrorType::TooManyRequests, "rate_limit_exceeded", message);
    ApiError { limited: Some(Box::new(Limited { retry_after: Some(wait), rates })), ..error }
}

#[cfg(test)]
mod tests;
