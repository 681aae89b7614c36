use tempfile::TempDir;

use super::*;
use crate::{KeysFile, NewKey, make_key};

fn config(key: &str, previous: Option<&str>) -> ClientSecretsConfig {
    ClientSecretsConfig {
        key: Secret::new(key.repeat(32)),
        previous_key: previous.map(|key| Secret::new(key.repeat(32))),
    }
}

fn maker(scopes: &[&str]) -> Identity {
    let scopes = Scopes::read(scopes.iter().copied()).unwrap();
    Identity::new("acme", "backend", scopes, Source::Token("issuer".into()))
}

#[test]
fn a_secret_allows_what_was_wished_for_and_no_more_than_its_maker_may() {
    let secrets = ClientSecrets::new(&config("a", None));
    let maker = Identity {
        allowance: Allowance {
            requests_per_minute: Some(10),
            tokens_per_minute: Some(100),
            ..Allowance::default()
        },
        ..maker(&["model:small*", "client_secrets", "background"])
    };
    let allowance = Allowance {
        requests_per_minute: Some(1000),
        tokens_per_minute: Some(50),
        responses_in_flight: Some(1),
    };
    let wish = Wish {
        lifetime: Some(Duration::from_secs(60)),
        user: Some("alice".to_owned()),
        models: Some(vec!["small-2".to_owned()]),
        allowance,
    };
    let made = secrets.make(&maker, wish).unwrap();
    let identity = secrets.check(&made.value, None).unwrap();
    assert_eq!((&*identity.tenant, &*identity.user), ("acme", "alice"));
    assert_eq!(identity.scopes.words(), ["model:small-2", "background"]);
    let Allowance { requests_per_minute, tokens_per_minute, responses_in_flight } = identity.allowance;
    assert_eq!([requests_per_minute, tokens_per_minute, responses_in_flight], [Some(10), Some(50), Some(1)]);
    assert_eq!(identity.expires_at, Some(made.expires_at));
    // And it makes no others.
    assert_eq!(secrets.make(&identity, Wish::default()).unwrap_err(), Wrong::Forbidden);
}

#[test]
fn what_is_too_much_is_refused() {
    let secrets = ClientSecrets::new(&config("a", None));
    let maker = maker(&["model:small*", "client_secrets"]);
    let models = |name: &str| Wish { models: Some(vec![name.to_owned()]), ..Wish::default() };
    for name in ["large", "*", "smal*"] {
        assert_eq!(secrets.make(&maker, models(name)).unwrap_err(), Wrong::Model(name.to_owned()));
    }
    for seconds in [0, 2 * 60 * 60 + 1] {
        let wish = Wish { lifetime: Some(Duration::from_secs(seconds)), ..Wish::default() };
        assert_eq!(secrets.make(&maker, wish).unwrap_err(), Wrong::Lifetime);
    }
    let long = Wish { models: Some(vec![format!("small{}", "x".repeat(MAX_CREDENTIAL))]), ..Wish::default() };
    assert_eq!(secrets.make(&maker, long).unwrap_err(), Wrong::TooLong);
    assert_eq!(
        secrets.make(&self::maker(&["models", "background"]), Wish::default()).unwrap_err(),
        Wrong::Forbidden
    );
}

#[test]
fn a_secret_ends_no_later_than_its_maker() {
    let secrets = ClientSecrets::new(&config("a", None));
    let ends = time::now() + 5;
    let maker = Identity { expires_at: Some(ends), ..maker(&["admin"]) };
    assert_eq!(secrets.make(&maker, Wish::default()).unwrap().expires_at, ends);
}

#[test]
fn keys_are_changed_in_two_steps() {
    let (old, both, new) = (config("a", None), config("b", Some("a")), config("b", None));
    let [old, both, new] = [old, both, new].map(|config| ClientSecrets::new(&config));
    let maker = maker(&["admin"]);
    let (by_old, by_both) =
        (old.make(&maker, Wish::default()).unwrap(), both.make(&maker, Wish::default()).unwrap());
    assert!(both.check(&by_old.value, None).is_ok() && both.check(&by_both.value, None).is_ok());
    assert!(new.check(&by_both.value, None).is_ok());
    assert_eq!(new.check(&by_old.value, None).unwrap_err(), Refusal::Invalid("signed with another key"));
    assert!(matches!(old.check(&by_both.value, None), Err(Refusal::Invalid(_))));
}

/// Tokens of other kinds that are signed with the same key, and secrets that were changed.
#[test]
fn nothing_else_is_taken_for_a_secret() {
    let config = config("a", None);
    let secrets = ClientSecrets::new(&config);
    let key = EncodingKey::from_secret(config.key.reveal().as_bytes());
    let claims = serde_json::json!({"tenant": "acme", "user": "alice", "scopes": ["models"], "iat": 0, "exp": time::now() + 60});
    let sign = |header: &Header, claims: &serde_json::Value| {
        Secret::new(format!("ek_{}", jsonwebtoken::encode(header, claims, &key).unwrap()))
    };
    let good = Header { typ: Some(TYPE.to_owned()), ..Header::default() };
    assert!(secrets.check(&sign(&good, &claims), None).is_ok());
    assert!(secrets.check(&sign(&Header::default(), &claims), None).is_err(), "an ordinary token");
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..good.clone() };
    assert!(secrets.check(&sign(&critical, &claims), None).is_err());
    let mut ended = claims.clone();
    ended["exp"] = (time::now() - 2).into();
    assert_eq!(secrets.check(&sign(&good, &ended), None).unwrap_err(), Refusal::Expired);
    let mut endless = claims;
    endless.as_object_mut().unwrap().remove("exp");
    assert!(secrets.check(&sign(&good, &endless), None).is_err());
    assert!(secrets.check(&Secret::new("ek_"), None).is_err());
}

#[tokio::test]
async fn a_secret_ends_with_the_key_that_made_it_and_narrows_with_it() {
    let directory = TempDir::new().unwrap();
    let file = KeysFile::new(directory.path().join("keys.toml"));
    let new = NewKey {
        name: "backend".to_owned(),
        tenant: "acme".to_owned(),
        user: "backend".to_owned(),
        scopes: Scopes::read(["models", "background", "client_secrets"]).unwrap(),
        allowance: Allowance::default(),
        lifetime: None,
    };
    let (key, record) = make_key(new).unwrap();
    file.change(|keys| keys.push(record)).unwrap();
    let keys = || ApiKeys::open(file.path()).unwrap();
    let secrets = ClientSecrets::new(&config("a", None));
    let wish = Wish { models: Some(vec!["small".to_owned(), "large".to_owned()]), ..Wish::default() };
    let made = secrets.make(&keys().check(&key).unwrap(), wish).unwrap();
    let check = || secrets.check(&made.value, Some(&keys()));
    assert_eq!(check().unwrap().scopes.words(), ["model:large", "model:small", "background"]);
    file.change(|keys| keys[0].scopes = Scopes::read(["model:small", "client_secrets"]).unwrap()).unwrap();
    assert_eq!(check().unwrap().scopes.words(), ["model:small"]);
    file.change(|keys| keys[0].scopes = Scopes::read(["models"]).unwrap()).unwrap();
    assert!(check().is_err(), "it may not make any now");
    file.change(Vec::clear).unwrap();
    assert!(check().is_err());
    assert!(secrets.check(&made.value, None).is_err(), "a gateway without the file cannot know");
}
