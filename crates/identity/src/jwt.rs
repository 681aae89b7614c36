//! JSON Web Tokens (RFC 7519, 7515) of issuers that an operator trusts.
//!
//! The issuer is chosen by what the token says, and everything else by what the operator said of that issuer: where its keys are,
//! for whom the token must be, and where tenant, user and scopes stand in it. Which algorithm counts belongs to the key and
//! never to the token, whose own keys and addresses of keys (`jwk`, `jku`, `x5u`) are not looked at. A token with
//! extensions that must be understood (`crit`) is refused, as none is.

mod claims;
mod fetch;
mod key_set;
mod remote;

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Header, Validation, errors::ErrorKind};
use protocol::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};

pub use claims::Claims;
pub(crate) use key_set::KeyError;
use key_set::KeySet;
use remote::Remote;

use crate::{Identity, Refusal, Scopes};

/// One issuer.
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    /// What its tokens say in `iss`, to the letter.
    pub issuer: String,
    /// Of these one must stand in a token's `aud`. At least one.
    pub audience: Vec<String>,
    /// Where its keys are.
    pub keys: Keys,
    /// How far clocks may be apart.
    pub leeway: Duration,
    /// Where in a token to look for what.
    pub claims: Claims,
    /// The tenant of all its tokens, where no claim tells one. If neither does, it is the issuer itself, so that two issuers
    /// never share a user by accident.
    pub tenant: Option<String>,
    /// What all its tokens allow, where no claim tells it.
    pub scopes: Scopes,
    /// How often keys that have to be fetched are.
    pub refresh_interval: Duration,
    /// The shortest time between two attempts to do so, whoever asks for them.
    pub min_refresh_interval: Duration,
    /// For how long keys that were fetched stay in use while their server fails.
    pub max_key_age: Duration,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone)]
pub enum Keys {
    /// At `jwks_uri` of `<issuer>/.well-known/openid-configuration` (OpenID Connect Discovery 1.0).
    Discovery,
    /// A JSON Web Key Set at this URL (RFC 7517).
    Url(String),
    /// A JSON Web Key Set, as text.
    Set(Secret),
    /// A secret that issuer and gateways share, for HS256.
    Shared(Secret),
    /// A public key in PEM, and what it is for.
    Pem(String, Signature),
}

/// What a public key checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// An issuer, ready to check its tokens.
#[derive(Debug)]
pub(crate) struct Issuer {
    name: Arc<str>,
    audience: Vec<String>,
    leeway: Duration,
    source: KeySource,
    claims: claims::Reader,
}

#[derive(Debug)]
enum KeySource {
    Known(Arc<KeySet>),
    Fetched(Box<Remote>),
}

impl Issuer {
    pub(crate) fn new(config: IssuerConfig) -> Result<Self, KeyError> {
        let source = match &config.keys {
            Keys::Shared(secret) => KeySource::Known(Arc::new(KeySet::shared(secret)?)),
            Keys::Pem(pem, signature) => KeySource::Known(Arc::new(KeySet::pem(pem, *signature)?)),
            Keys::Set(text) => KeySource::Known(Arc::new(KeySet::configured(text)?)),
            Keys::Url(_) | Keys::Discovery => KeySource::Fetched(Box::new(Remote::new(&config)?)),
        };
        let IssuerConfig { issuer, audience, leeway, claims, tenant, scopes, .. } = config;
        let claims = claims::Reader::new(claims, tenant.unwrap_or_else(|| issuer.clone()), scopes);
        Ok(Self { name: issuer.into(), audience, leeway, source, claims })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whose token it is. May wait, a bounded time, for keys that are being fetched. Cancel safe.
    pub(crate) async fn check(&self, token: &Secret, head: &Header) -> Result<Identity, Refusal> {
        let keys = match &self.source {
            KeySource::Known(keys) => Arc::clone(keys),
            KeySource::Fetched(remote) => remote.keys_for(head).await?,
        };
        let mut refusal =
            Refusal::Invalid("no key of the issuer's is for this token: its kid or alg is another");
        for key in keys.candidates(head) {
            match jsonwebtoken::decode::<Map<String, Value>>(
                token.reveal(),
                &key.key,
                &self.validation(key.algorithm),
            ) {
                Ok(data) => return self.claims.identity(&self.name, &data.claims, self.leeway),
                Err(error) => match refusal_of(error.kind()) {
                    // The keys are tried in turn; only who signed it may learn more.
                    Refusal::Invalid(why) => refusal = Refusal::Invalid(why),
                    certain => return Err(certain),
                },
            }
        }
        Err(refusal)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.leeway.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&self.audience);
        validation.set_issuer(&[&self.name]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation
    }

    /// How many keys it publishes now, or why they cannot be had; `None` if it need not publish any.
    pub(crate) async fn try_fetch(&self) -> Option<Result<usize, String>> {
        match &self.source {
            KeySource::Known(_) => None,
            KeySource::Fetched(remote) => Some(remote.try_fetch().await),
        }
    }

    /// Fetches keys, if they have to be fetched; for ever.
    pub(crate) async fn keep(&self) {
        match &self.source {
            KeySource::Known(_) => std::future::pending().await,
            KeySource::Fetched(remote) => remote.keep().await,
        }
    }

    /// Why tokens cannot be checked now, if they cannot.
    pub(crate) fn readiness(&self) -> Result<(), String> {
        match &self.source {
            KeySource::Known(_) => Ok(()),
            KeySource::Fetched(remote) => remote.readiness(),
        }
    }
}

/// What a token says of itself before anything of it is believed: its head, and who it says has issued it.
pub(crate) fn peek(token: &Secret) -> Result<(Header, String), Refusal> {
    #[derive(Deserialize)]
    struct Peek {
        iss: String,
    }
    // Also where `alg` is none: there is no such algorithm.
    let head = jsonwebtoken::decode_header(token.reveal())
        .map_err(|_| Refusal::Invalid("its head is unreadable, or names an algorithm that is not allowed"))?;
    if head.crit.is_some() {
        return Err(Refusal::Invalid("it has extensions that must be understood (crit)"));
    }
    let peek: Peek = jsonwebtoken::dangerous::insecure_decode_claims(token.reveal())
        .map_err(|_| Refusal::Invalid("its claims are unreadable, or have no iss"))?;
    Ok((head, peek.iss))
}

fn refusal_of(error: &ErrorKind) -> Refusal {
    match error {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::InvalidSignature => Refusal::Invalid("its signature is wrong"),
        ErrorKind::ImmatureSignature => Refusal::Invalid("its time has not begun (nbf)"),
        ErrorKind::InvalidAudience => Refusal::Invalid("it is for somebody else (aud)"),
        ErrorKind::InvalidIssuer => Refusal::Invalid("it is of another issuer (iss)"),
        ErrorKind::MissingRequiredClaim(_) => Refusal::Invalid("it lacks one of exp, iss and aud"),
        ErrorKind::InvalidClaimFormat(_) => Refusal::Invalid("its exp or nbf is no number"),
        ErrorKind::InvalidAlgorithm => Refusal::Invalid("its algorithm is not that of the key"),
        _ => Refusal::Invalid("it is unreadable"),
    }
}
