//! Credentials: API keys, JSON Web Tokens and client secrets. The first byte says what is done with the rest.
//!
//! Of a token and of a client secret only the very text counts that was signed. A token's claims, however odd, are those of a user
//! with a name, and end.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::{
    io::Write as _,
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use identity::{
    Authenticator, Claims, ClientSecretsConfig, Config, Credential, Identity, IssuerConfig, Keys, Scopes,
    Wish,
};
use jsonwebtoken::{Algorithm, EncodingKey};
use libfuzzer_sys::fuzz_target;
use protocol::Secret;

const KEY: &str = "a key of thirty-two bytes, or so";
const HEAD: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &[u8] =
    br#"{"iss":"https://a.example","aud":"fuzz","exp":4102444800,"sub":"u","org":"t","scope":"models"}"#;

static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(|| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(fuzz::KEYS.as_bytes()).expect("a file");
    let issuer = IssuerConfig {
        issuer: "https://a.example".to_owned(),
        audience: vec!["fuzz".to_owned()],
        keys: Keys::Shared(Secret::new(KEY)),
        leeway: Duration::from_secs(5),
        claims: Claims {
            user: "sub".to_owned(),
            tenant: Some("org".to_owned()),
            scopes: Some("scope.of.it".to_owned()),
        },
        tenant: None,
        scopes: Scopes::usual(),
        refresh_interval: Duration::MAX,
        min_refresh_interval: Duration::MAX,
        max_key_age: Duration::MAX,
    };
    let client_secrets = Some(ClientSecretsConfig { key: Secret::new(KEY), previous_key: None });
    let config = Config { keys_file: Some(file.path().to_owned()), client_secrets, issuers: vec![issuer] };
    Authenticator::build(config).expect("an authenticator")
});

static CLIENT_SECRET: LazyLock<String> = LazyLock::new(|| {
    let made = AUTHENTICATOR.make_client_secret(&Identity::anonymous(), Wish::default()).expect("a secret");
    made.value.reveal().to_owned()
});

fuzz_target!(|data: &[u8]| {
    let Some((what, rest)) = data.split_first() else { return };
    match what {
        b'c' => checked(&signed(HEAD, rest)),
        b'h' => checked(&signed(rest, CLAIMS)),
        b'e' => {
            checked(&format!("ek_{}", signed(br#"{"alg":"HS256","typ":"narthex-client-secret+jwt"}"#, rest)))
        }
        b'm' => changed(&signed(HEAD, CLAIMS), rest),
        b's' => changed(&CLIENT_SECRET, rest),
        _ => checked(&String::from_utf8_lossy(rest)),
    }
});

/// Whoever comes in has a name.
fn checked(shown: &str) {
    if let Ok(identity) = check(shown) {
        let is_name = |name: &str| (1..=256).contains(&name.len());
        assert!(is_name(&identity.user) || shown.starts_with("ek_"), "{identity:?}");
        assert!(is_name(&identity.tenant) || shown.starts_with("ek_"), "{identity:?}");
        assert!(shown.starts_with("nk_") || identity.expires_at.is_some());
    }
}

/// What is not the very text that was signed does not count. The first two bytes say where it is changed.
fn changed(good: &str, change: &[u8]) {
    assert!(check(good).is_ok());
    let Some(([place, cut], new)) = change.split_first_chunk() else { return };
    let at = usize::from(*place) * good.len() / 256;
    let end = (at + usize::from(*cut % 8)).min(good.len());
    let other = format!("{}{}{}", &good[..at], String::from_utf8_lossy(new), &good[end..]);
    assert!(other == good || check(&other).is_err(), "{other}");
}

fn check(shown: &str) -> Result<Arc<Identity>, identity::Refusal> {
    AUTHENTICATOR.authenticate(Some(&Credential::of(shown))).now_or_never().expect("keys that are at hand")
}

/// A token that is signed as it should be, whatever it says.
fn signed(head: &[u8], claims: &[u8]) -> String {
    let said = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(KEY.as_bytes());
    let signature = jsonwebtoken::crypto::sign(said.as_bytes(), &key, Algorithm::HS256).expect("a signature");
    format!("{said}.{signature}")
}
