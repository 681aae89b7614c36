//! Which tokens count.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::{Keys, MAX_CREDENTIAL, Refusal, Signature, Source};
use jsonwebtoken::{EncodingKey, Header};
use protocol::Secret;
use serde_json::{Value, json};
use testkit::openid::{Algorithm, OpenId, SigningKey, now};

use crate::support::{Door, issuer};

#[tokio::test]
async fn a_token_of_every_algorithm_counts() {
    let server = OpenId::start().await;
    let door = Door::of(&server);
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256] {
        server.add(SigningKey::generate(&format!("{algorithm:?}"), algorithm));
        let identity = door.check(&server.token("alice", json!({}))).await.unwrap();
        assert_eq!((&*identity.tenant, &*identity.user), (server.issuer(), "alice"), "{algorithm:?}");
        assert_eq!(identity.source, Source::Token(server.issuer().into()));
    }
}

#[tokio::test]
async fn what_a_token_says_of_itself_must_hold() {
    let server = OpenId::start().await;
    let door = Door::of(&server);
    let token = |more: Value| server.token("alice", more);
    // Within the leeway, and for several.
    for good in [
        json!({"exp": now() - 2}),
        json!({"nbf": now() + 2}),
        json!({"aud": ["elsewhere", "narthex-tests"]}),
        json!({"iat": "nonsense"}),
    ] {
        assert!(door.check(&token(good.clone())).await.is_ok(), "{good}");
    }
    for bad in [
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"nbf": now() + 60}),
        json!({"nbf": "soon"}),
        json!({"aud": null}),
        json!({"aud": "elsewhere"}),
        json!({"aud": []}),
        json!({"iss": null}),
        json!({"iss": "http://elsewhere.example"}),
        json!({"iss": [server.issuer()]}),
        json!({"sub": null}),
    ] {
        assert!(door.is_invalid(&token(bad.clone())).await, "{bad}");
    }
    assert_eq!(door.check(&token(json!({"exp": now() - 60}))).await.unwrap_err(), Refusal::Expired);
    // Only who has signed it hears that.
    let forged = SigningKey::generate("key-0", Algorithm::ES256)
        .sign(&server.claims("alice", json!({"exp": now() - 60})));
    assert!(door.is_invalid(&forged).await);
}

#[tokio::test]
async fn what_is_not_signed_by_the_issuer_does_not_count() {
    let server = OpenId::start().await;
    let door = Door::of(&server);
    let good = server.token("alice", json!({}));
    let [head, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let claims_of = |user: &str| URL_SAFE_NO_PAD.encode(server.claims(user, json!({})).to_string());
    assert!(door.check(&good).await.is_ok());
    assert!(door.is_invalid(&format!("{head}.{}.{signature}", claims_of("mallory"))).await);
    assert!(door.is_invalid(&format!("{head}.{claims}.{}", &signature[..signature.len() - 4])).await);
    assert!(door.is_invalid(&format!("{head}.{claims}.")).await);
    for algorithm in ["none", "None", "NONE", "", "HS1"] {
        let head = URL_SAFE_NO_PAD.encode(json!({"alg": algorithm, "typ": "JWT"}).to_string());
        for signature in ["", signature] {
            assert!(door.is_invalid(&format!("{head}.{claims}.{signature}")).await, "{algorithm}");
        }
    }
    // Somebody else's key under the name of the issuer's, and under a name that it does not have.
    for id in ["key-0", "key-7"] {
        let forged = SigningKey::generate(id, Algorithm::ES256).sign(&server.claims("alice", json!({})));
        assert!(door.is_invalid(&forged).await, "{id}");
    }
    // A key that the token brings along.
    let own = SigningKey::generate("own", Algorithm::ES256);
    let jwk = serde_json::from_value(own.public()).unwrap();
    let header = Header { jwk: Some(jwk), ..own.header() };
    assert!(door.is_invalid(&own.sign_as(&header, &server.claims("alice", json!({})))).await);
    // The issuer's own key, but under another's name.
    let header = Header { kid: Some("key-7".to_owned()), ..server.key().header() };
    assert!(door.is_invalid(&server.key().sign_as(&header, &server.claims("alice", json!({})))).await);
}

/// CVE-2015-9235 and its like: the public key, which all the world knows, taken for a shared secret.
#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let server = OpenId::start().await;
    let key = server.replace(SigningKey::generate("rsa", Algorithm::RS256));
    let door = Door::of(&server);
    assert!(door.check(&server.token("alice", json!({}))).await.is_ok());
    let public = key.public();
    let pem = key.public_pem();
    let modulus = URL_SAFE_NO_PAD.decode(public["n"].as_str().unwrap()).unwrap();
    let fixed = Door::new(vec![issuer(server.issuer(), Keys::Pem(pem.clone(), Signature::Rs256))]);
    assert!(fixed.check(&server.token("alice", json!({}))).await.is_ok());
    for secret in [pem.as_bytes(), pem.trim().as_bytes(), public.to_string().as_bytes(), &modulus] {
        for id in [Some("rsa".to_owned()), None] {
            let header = Header { kid: id, ..Header::new(Algorithm::HS256) };
            let claims = server.claims("alice", json!({}));
            let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
            assert!(door.is_invalid(&forged).await && fixed.is_invalid(&forged).await);
        }
    }
}

#[tokio::test]
async fn an_extension_that_must_be_understood_is_not() {
    let server = OpenId::start().await;
    let door = Door::of(&server);
    for crit in [vec!["b64".to_owned()], vec![]] {
        let header = Header { crit: Some(crit), ..server.key().header() };
        assert!(door.is_invalid(&server.key().sign_as(&header, &server.claims("alice", json!({})))).await);
    }
}

#[tokio::test]
async fn a_token_has_a_size() {
    let server = OpenId::start().await;
    let door = Door::of(&server);
    let fits = server.token("alice", json!({"x": "x".repeat(MAX_CREDENTIAL / 2)}));
    assert!(door.check(&fits).await.is_ok());
    let long = server.token("alice", json!({"x": "x".repeat(MAX_CREDENTIAL)}));
    assert!(door.is_invalid(&long).await);
}

#[tokio::test]
async fn a_shared_secret_counts_for_its_issuer_alone() {
    let secret = "a secret that has enough bits, it says";
    let shared = |name: &str| issuer(name, Keys::Shared(Secret::new(secret)));
    let server = OpenId::start().await;
    let door = Door::new(vec![shared("one"), issuer(server.issuer(), Keys::Url(server.jwks_url()))]);
    let sign = |iss: &str, algorithm: Algorithm| {
        let claims = server.claims("alice", json!({"iss": iss}));
        jsonwebtoken::encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret.as_bytes()))
            .unwrap()
    };
    let identity = door.check(&sign("one", Algorithm::HS256)).await.unwrap();
    assert_eq!((&*identity.tenant, &*identity.user), ("one", "alice"));
    assert!(door.check(&server.token("alice", json!({}))).await.is_ok());
    assert!(door.is_invalid(&sign("one", Algorithm::HS512)).await, "another algorithm than the key's");
    assert!(door.is_invalid(&sign(server.issuer(), Algorithm::HS256)).await);
    assert!(door.is_invalid(&server.token("alice", json!({"iss": "one"}))).await);
}
