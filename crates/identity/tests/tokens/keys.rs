//! What becomes of tokens while their issuer's keys change, and while its server is away.

use std::time::Duration;

use hyper::StatusCode;
use identity::{Authenticator, Config, IssuerConfig, Keys, Refusal};
use serde_json::json;
use testkit::openid::{Algorithm, OpenId, SigningKey};
use tokio::{net::TcpListener, task::JoinSet};

use crate::support::{Door, issuer};

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_ends() {
    let server = OpenId::start().await;
    let door = Door::of(&server);
    let old = server.token("alice", json!({}));
    assert!(door.check(&old).await.is_ok());
    server.replace(SigningKey::generate("key-1", Algorithm::EdDSA));
    assert!(door.check(&old).await.is_ok(), "it is still known");
    assert!(door.check(&server.token("alice", json!({}))).await.is_ok());
    assert!(door.is_invalid(&old).await);
}

#[tokio::test]
async fn tokens_of_unknown_keys_do_not_make_it_ask_again_and_again() {
    let server = OpenId::start().await;
    let config = IssuerConfig {
        min_refresh_interval: Duration::from_secs(600),
        ..issuer(server.issuer(), Keys::Url(server.jwks_url()))
    };
    let door = Door::new(vec![config]);
    door.until_ready(true).await;
    let forged = SigningKey::generate("forged", Algorithm::ES256).sign(&server.claims("alice", json!({})));
    for _ in 0..100 {
        assert!(door.is_invalid(&forged).await);
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let server = OpenId::start().await;
    let door = std::sync::Arc::new(Door::of(&server));
    door.until_ready(true).await;
    server.add(SigningKey::generate("key-1", Algorithm::ES256));
    let before = server.asked();
    let token = server.token("alice", json!({}));
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (door, token) = (std::sync::Arc::clone(&door), token.clone());
        all.spawn(async move { door.check(&token).await.is_ok() });
    }
    assert!(all.join_all().await.into_iter().all(|is_known| is_known));
    // One that is under way may have begun before the key was there; then one more follows.
    assert!(server.asked() - before <= 2, "{}", server.asked() - before);
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let name = format!("http://{address}");
    let door = Door::new(vec![issuer(&name, Keys::Discovery)]);
    let key = SigningKey::generate("key-0", Algorithm::ES256);
    let token = key.sign(
        &json!({"iss": name, "aud": "narthex-tests", "sub": "alice", "exp": testkit::openid::now() + 60}),
    );
    assert_eq!(door.check(&token).await.unwrap_err(), Refusal::Unavailable);
    assert!(door.readiness().unwrap_err().contains(&address.to_string()));
    let server = OpenId::start_on(TcpListener::bind(address).await.unwrap());
    door.until_ready(true).await;
    assert!(door.check(&server.token("alice", json!({}))).await.is_ok());
}

#[tokio::test]
async fn old_keys_stay_while_their_server_fails_for_as_long_as_they_may() {
    let server = OpenId::start().await;
    let patient = Door::of(&server);
    let config = IssuerConfig {
        max_key_age: Duration::from_millis(200),
        refresh_interval: Duration::from_millis(50),
        ..issuer(server.issuer(), Keys::Discovery)
    };
    let impatient = Door::new(vec![config]);
    let token = server.token("alice", json!({}));
    assert!(patient.check(&token).await.is_ok() && impatient.check(&token).await.is_ok());
    server.fail(Some((StatusCode::INTERNAL_SERVER_ERROR, "")));
    impatient.until_ready(false).await;
    assert_eq!(impatient.check(&token).await.unwrap_err(), Refusal::Unavailable);
    assert!(patient.check(&token).await.is_ok());
    server.fail(None);
    impatient.until_ready(true).await;
    assert!(impatient.check(&token).await.is_ok());
}

#[tokio::test]
async fn what_is_no_key_set_changes_nothing() {
    let server = OpenId::start().await;
    let door = Door::of(&server);
    let token = server.token("alice", json!({}));
    assert!(door.check(&token).await.is_ok());
    let huge = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(512 * 1024));
    let shared = json!({"keys": [{"kty": "oct", "kid": "key-9", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}]});
    let other = json!({"issuer": "http://elsewhere.example", "jwks_uri": server.jwks_url()});
    let away = json!({"issuer": server.issuer(), "jwks_uri": "http://elsewhere.example/jwks"});
    for body in
        ["", "[]", "{}", r#"{"keys":[]}"#, &huge, &shared.to_string(), &other.to_string(), &away.to_string()]
    {
        server.fail(Some((StatusCode::OK, body)));
        let unknown =
            SigningKey::generate("key-9", Algorithm::ES256).sign(&server.claims("alice", json!({})));
        assert!(door.is_invalid(&unknown).await, "{body:.100}");
        assert!(door.check(&token).await.is_ok(), "{body:.100}");
    }
    server.fail(Some((StatusCode::FOUND, "")));
    assert!(door.check(&token).await.is_ok());
}

#[tokio::test]
async fn keys_are_not_fetched_from_where_anyone_could_change_them() {
    for keys in [Keys::Discovery, Keys::Url("http://issuer.example/jwks".to_owned())] {
        let issuers = vec![issuer("http://issuer.example", keys)];
        let error = Authenticator::build(Config { issuers, ..Config::default() }).unwrap_err();
        assert!(error.to_string().contains("https"), "{error}");
    }
}
