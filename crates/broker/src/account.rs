//! Where the store keeps what a user, or a whole tenant, takes: gateways ask before a response begins, and workers tell when it
//! has ended.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stream::ResponseId;

use crate::{Error, Header, Store};

/// Counters are for one minute each, and looked at for one more.
const COUNTER_TTL: Duration = Duration::from_secs(150);

/// How long a response counts as in flight if nobody says that it has ended, because the store was away when it did.
const FLIGHT_TTL: Duration = Duration::from_secs(60 * 60);

/// A user, or a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account(String);

/// What is counted by the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taken {
    /// Responses asked for.
    Requests,
    /// Tokens of responses that have ended, read and written.
    Tokens,
}

impl Account {
    /// Of one user.
    pub fn of_user(tenant: &str, user: &str) -> Self {
        // With the length no other pair of names makes the same.
        Self(format!("user:{}:{tenant}:{user}", tenant.len()))
    }

    /// Of all users of a tenant.
    pub fn of_tenant(tenant: &str) -> Self {
        Self(format!("tenant:{tenant}"))
    }

    /// Both accounts that a response is on.
    fn both(header: &Header) -> [Self; 2] {
        [Self::of_user(&header.tenant, &header.user), Self::of_tenant(&header.tenant)]
    }

    /// Adds `amount` to what is taken in `minute`, counted from 1970, and returns what that comes to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take(
        &self,
        store: &dyn Store,
        taken: Taken,
        minute: u64,
        amount: i64,
    ) -> Result<i64, Error> {
        let what = match taken {
            Taken::Requests => "requests",
            Taken::Tokens => "tokens",
        };
        store.add(&format!("{what}:{minute}:{}", self.0), amount, COUNTER_TTL).await
    }

    /// Counts a response as in flight, if fewer than `max` are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(&self, store: &dyn Store, id: ResponseId, max: usize) -> Result<bool, Error> {
        store.enter(&self.in_flight(), &id.to_string(), max, FLIGHT_TTL).await
    }

    /// A response has ended, or never began.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, store: &dyn Store, id: ResponseId) -> Result<bool, Error> {
        store.leave(&self.in_flight(), &id.to_string()).await
    }

    fn in_flight(&self) -> String {
        format!("flight:{}", self.0)
    }
}

/// A response has ended, or will never run. Done once more it changes nothing.
pub async fn settle(store: &dyn Store, header: &Header, id: ResponseId) {
    if header.metered {
        for account in Account::both(header) {
            if let Err(error) = account.end(store, id).await {
                tracing::warn!(response = %id, %error, "failed to say that a response is not in flight any more");
            }
        }
    }
}

/// A response took so many tokens.
pub async fn charge(store: &dyn Store, header: &Header, tokens: u64) {
    if header.metered && tokens > 0 {
        let (minute, _) = minute();
        let amount = i64::try_from(tokens).unwrap_or(i64::MAX);
        for account in Account::both(header) {
            if let Err(error) = account.take(store, Taken::Tokens, minute, amount).await {
                tracing::warn!(%error, "failed to count the tokens of a response");
            }
        }
    }
}

/// The current minute, counted from 1970, and how much of it has passed, from 0 to 1.
pub fn minute() -> (u64, f64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let minute = now.as_secs() / 60;
    (minute, (now - Duration::from_secs(minute * 60)).as_secs_f64() / 60.0)
}
