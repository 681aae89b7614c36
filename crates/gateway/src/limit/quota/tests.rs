//! Nobody takes more than is theirs, at however many gateways, whether or not the store answers.

use broker::{Broker, Error};
use bytes::Bytes;
use identity::{Identity, Scopes, Source};

use super::*;

fn quota(broker: &Broker, user: Allowance, tenant: Allowance) -> Quota {
    Quota::new(Quotas { user, tenant }, Arc::clone(&broker.store))
}

fn named(tenant: &str, user: &str) -> Identity {
    Identity::new(tenant, user, Scopes::usual(), Source::Nothing)
}

fn principal(tenant: &str, user: &str) -> Principal {
    Principal::new(Arc::new(named(tenant, user)))
}

fn requests(requests_per_minute: u64) -> Allowance {
    Allowance { requests_per_minute, ..Allowance::default() }
}

async fn left(quota: &Quota, principal: &Principal, now: (u64, f64)) -> Result<u64, ApiError> {
    Ok(quota.request_at(principal, now).await?.requests.unwrap().remaining)
}

#[tokio::test]
async fn requests_are_counted_over_sixty_seconds_at_all_gateways() {
    let broker = broker::memory::broker();
    let [one, other] = [(); 2].map(|()| quota(&broker, requests(3), Allowance::default()));
    let ann = principal("t", "ann");
    assert_eq!(left(&one, &ann, (9, 0.5)).await.unwrap(), 2);
    assert_eq!(left(&other, &ann, (9, 0.5)).await.unwrap(), 1);
    assert_eq!(left(&one, &ann, (9, 0.9)).await.unwrap(), 0);
    let error = left(&other, &ann, (9, 0.9)).await.unwrap_err();
    assert_eq!((error.status(), error.code.as_deref()), (429, Some("rate_limit_exceeded")));
    // Six seconds to the full minute, and then until one of three is forgotten.
    assert_eq!(error.limited.unwrap().retry_after.unwrap().as_secs(), 26);
    left(&other, &ann, (10, 0.2)).await.unwrap_err();
    // What was refused did not count.
    assert_eq!(left(&one, &ann, (10, 0.4)).await.unwrap(), 0);
    assert_eq!(left(&one, &principal("t", "bob"), (10, 0.4)).await.unwrap(), 2);
    assert_eq!(left(&one, &ann, (12, 0.0)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_tenant_is_all_of_its_users() {
    let broker = broker::memory::broker();
    let quota = quota(&broker, Allowance::default(), requests(2));
    let ask = async |tenant, user| quota.request_at(&principal(tenant, user), (9, 0.0)).await;
    ask("t", "ann").await.unwrap();
    ask("t", "bob").await.unwrap();
    ask("t", "eve").await.unwrap_err();
    ask("another", "eve").await.unwrap();
    // No two pairs of names are one account.
    ask("t:ann", "").await.unwrap();
}

#[tokio::test]
async fn tokens_are_what_workers_say() {
    let broker = broker::memory::broker();
    let quota =
        quota(&broker, Allowance { tokens_per_minute: 100, ..Allowance::default() }, Allowance::default());
    let ann = principal("t", "ann");
    assert_eq!(quota.request_at(&ann, (9, 0.0)).await.unwrap().tokens.unwrap().remaining, 100);
    Account::of_user("t", "ann").take(&*broker.store, Taken::Tokens, 9, 150).await.unwrap();
    quota.request_at(&ann, (9, 0.5)).await.unwrap_err();
    quota.request_at(&ann, (10, 0.3)).await.unwrap_err();
    assert_eq!(quota.request_at(&ann, (10, 0.5)).await.unwrap().tokens.unwrap().remaining, 25);
}

#[tokio::test]
async fn as_many_are_in_flight_as_may() {
    let broker = broker::memory::broker();
    let two = Allowance { in_flight: 2, ..Allowance::default() };
    let three = Allowance { in_flight: 3, ..Allowance::default() };
    let quota = quota(&broker, two, three);
    let (ann, bob) = (principal("t", "ann"), principal("t", "bob"));
    let ids = [(); 5].map(|()| ResponseId::random(0));
    quota.begin(&ann, ids[0]).await.unwrap();
    quota.begin(&ann, ids[1]).await.unwrap();
    // The same one once more is not another.
    quota.begin(&ann, ids[1]).await.unwrap();
    assert_eq!(quota.begin(&ann, ids[2]).await.unwrap_err().status(), 429);
    quota.begin(&bob, ids[3]).await.unwrap();
    // The tenant has three: what is refused there takes no room of the user's.
    quota.begin(&bob, ids[4]).await.unwrap_err();
    quota.end(&ann, ids[0]).await;
    quota.begin(&bob, ids[4]).await.unwrap();
}

/// A store that fails, or never answers.
struct Away {
    answers: bool,
}

#[async_trait::async_trait]
impl Store for Away {
    async fn get(&self, _: &str) -> Result<Option<Bytes>, Error> {
        Err(Error::Unsupported("do what is not asked for"))
    }

    async fn put(&self, _: &str, _: Bytes, _: Duration) -> Result<(), Error> {
        Err(Error::Unsupported("do what is not asked for"))
    }

    async fn insert(&self, _: &str, _: Bytes, _: Duration) -> Result<Option<Bytes>, Error> {
        Err(Error::Unsupported("do what is not asked for"))
    }

    async fn replace(&self, _: &str, _: Bytes, _: Duration) -> Result<bool, Error> {
        Err(Error::Unsupported("do what is not asked for"))
    }

    async fn remove(&self, _: &str) -> Result<bool, Error> {
        Err(Error::Unsupported("do what is not asked for"))
    }

    async fn add(&self, _: &str, _: i64, _: Duration) -> Result<i64, Error> {
        if self.answers { Err(Error::unavailable("it is away")) } else { std::future::pending().await }
    }

    async fn enter(&self, _: &str, _: &str, _: usize, _: Duration) -> Result<bool, Error> {
        if self.answers { Err(Error::unavailable("it is away")) } else { std::future::pending().await }
    }

    async fn leave(&self, _: &str, _: &str) -> Result<bool, Error> {
        Err(Error::unavailable("it is away"))
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_store_each_gateway_counts() {
    for answers in [true, false] {
        let quotas = Quotas { user: Allowance { in_flight: 1, ..requests(2) }, tenant: Allowance::default() };
        let quota = Quota::new(quotas, Arc::new(Away { answers }));
        let ann = principal("t", "ann");
        let begun = tokio::time::Instant::now();
        assert_eq!(left(&quota, &ann, (9, 0.0)).await.unwrap(), 1);
        assert_eq!(left(&quota, &ann, (9, 0.0)).await.unwrap(), 0);
        left(&quota, &ann, (9, 0.0)).await.unwrap_err();
        left(&quota, &ann, (10, 0.2)).await.unwrap_err();
        assert_eq!(left(&quota, &ann, (10, 0.5)).await.unwrap(), 0);
        quota.begin(&ann, ResponseId::random(0)).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_credential_may_have_limits_of_its_own() {
    let broker = broker::memory::broker();
    let quota = quota(&broker, Allowance { in_flight: 5, ..requests(1) }, Allowance::default());
    let own = identity::Allowance {
        requests_per_minute: Some(3),
        responses_in_flight: Some(1),
        ..Default::default()
    };
    let mut ann = named("t", "ann");
    ann.allowance = own;
    let ann = Principal::new(Arc::new(ann));
    assert_eq!(left(&quota, &ann, (9, 0.0)).await.unwrap(), 2);
    quota.begin(&ann, ResponseId::random(0)).await.unwrap();
    quota.begin(&ann, ResponseId::random(0)).await.unwrap_err();
    assert_eq!(left(&quota, &principal("t", "bob"), (9, 0.0)).await.unwrap(), 0);
}

#[test]
fn more_accounts_than_can_be_counted_here_are_not_counted() {
    let mut local = Local::default();
    let account = |number: usize| Account::of_user("t", &number.to_string());
    for number in 0..MAX_LOCAL {
        assert_eq!(local.take(&account(number), 9, 1), 1);
    }
    assert_eq!(local.take(&account(MAX_LOCAL), 9, 1), 0);
    assert_eq!(local.take(&account(0), 9, 1), 2);
    assert_eq!(local.this.len(), MAX_LOCAL);
    // With the next minute there is room again, and what was counted in the last is still known.
    assert_eq!(local.take(&account(MAX_LOCAL), 10, 1), 1);
    assert_eq!(local.take(&account(0), 9, 0), 2);
    assert_eq!(local.take(&account(0), 12, 0), 0);
    assert_eq!((local.this.len(), local.last.len()), (0, 0));
}
