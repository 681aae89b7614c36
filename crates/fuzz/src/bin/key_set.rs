//! Keys of issuers: JSON Web Key Sets, public keys in PEM, and OpenID documents. The first byte says which.
//!
//! Whatever the keys are, a token that nobody has signed does not count.
#![no_main]

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use fuzz::{Answer, Elsewhere};
use identity::{Authenticator, Claims, Config, Credential, IssuerConfig, Keys, Scopes, Signature};
use libfuzzer_sys::fuzz_target;
use protocol::Secret;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

static ELSEWHERE: LazyLock<Elsewhere> = LazyLock::new(Elsewhere::new);

fuzz_target!(|data: &[u8]| {
    let Some((what, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let keys = match what {
        b'r' => Keys::Pem(text.into_owned(), Signature::Rs256),
        b'e' => Keys::Pem(text.into_owned(), Signature::Es256),
        b'd' => Keys::Pem(text.into_owned(), Signature::EdDsa),
        b'o' => {
            // The same document says where the keys are, and which they are.
            let document = text.replace("{here}", &ELSEWHERE.url());
            ELSEWHERE.say(Answer::json(200, document.as_bytes()));
            Keys::Discovery
        }
        _ => Keys::Set(Secret::new(text)),
    };
    let issuer = ELSEWHERE.url();
    let config = Config { issuers: vec![of(&issuer, keys)], ..Config::default() };
    let Ok(authenticator) = Authenticator::build(config) else { return };
    let (authenticator, done) = (Arc::new(authenticator), CancellationToken::new());
    ELSEWHERE.runtime.block_on(async {
        let tasks = TaskTracker::new();
        tasks.spawn(Arc::clone(&authenticator).keep(done.clone()));
        for algorithm in ["HS256", "RS256", "ES256", "EdDSA"] {
            let shown = Credential::of(&unsigned(algorithm, &issuer));
            assert!(authenticator.authenticate(Some(&shown)).await.is_err(), "{algorithm}");
        }
        done.cancel();
        tasks.close();
        tasks.wait().await;
    });
});

fn unsigned(algorithm: &str, issuer: &str) -> String {
    let head = format!(r#"{{"alg":"{algorithm}","kid":"a"}}"#);
    let claims = format!(r#"{{"iss":"{issuer}","aud":"fuzz","exp":4102444800,"sub":"u"}}"#);
    let length = if algorithm == "RS256" { 256 } else { 64 };
    [head.as_bytes(), claims.as_bytes(), &vec![0; length]].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn of(issuer: &str, keys: Keys) -> IssuerConfig {
    IssuerConfig {
        issuer: issuer.to_owned(),
        audience: vec!["fuzz".to_owned()],
        keys,
        leeway: Duration::ZERO,
        claims: Claims::default(),
        tenant: None,
        scopes: Scopes::usual(),
        refresh_interval: Duration::from_secs(600),
        min_refresh_interval: Duration::from_secs(600),
        max_key_age: Duration::from_secs(3600),
    }
}
