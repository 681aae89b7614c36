//! The keys of an issuer, each for one algorithm.

use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use protocol::Secret;
use serde::Deserialize;
use serde_json::Value;

use super::Signature;
use crate::client_secrets::MIN_KEY_BYTES;

/// More keys than that are no key set of anybody's.
const MAX_KEYS: usize = 64;

/// A token that names no key is tried with so many at most.
const MAX_CANDIDATES: usize = 8;

/// Keys to check signatures with.
#[derive(Debug, Default)]
pub(super) struct KeySet(Vec<Key>);

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The only one that it is for.
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The keys of an issuer cannot be used. Says nothing of the keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// A shared secret is too short.
    #[error("the shared secret has fewer than {MIN_KEY_BYTES} bytes, which is too short for HS256")]
    Short,
    /// The PEM is none, or not of this algorithm.
    #[error("the key is no public key in PEM of the algorithm that is set")]
    Pem,
    /// The set is none.
    #[error("there is no JSON Web Key Set: {0}")]
    Set(String),
    /// It cannot be fetched from there.
    #[error("keys are fetched by https, or from this machine, and {0:?} is neither")]
    Url(String),
    /// TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] outbound::TlsError),
}

impl KeySet {
    pub(super) fn shared(secret: &Secret) -> Result<Self, KeyError> {
        let secret = secret.reveal().as_bytes();
        if secret.len() < MIN_KEY_BYTES {
            return Err(KeyError::Short);
        }
        Ok(Self(vec![Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }]))
    }

    pub(super) fn pem(pem: &str, signature: Signature) -> Result<Self, KeyError> {
        let pem = pem.as_bytes();
        let (algorithm, key) = match signature {
            Signature::Rs256 => (Algorithm::RS256, DecodingKey::from_rsa_pem(pem)),
            Signature::Es256 => (Algorithm::ES256, DecodingKey::from_ec_pem(pem)),
            Signature::EdDsa => (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem)),
        };
        Ok(Self(vec![Key { id: None, algorithm, key: key.map_err(|_| KeyError::Pem)? }]))
    }

    /// A set that the operator has put here. It may hold shared secrets.
    pub(super) fn configured(text: &Secret) -> Result<Self, KeyError> {
        Self::read(text.reveal().as_bytes(), true)
    }

    /// A set that the issuer publishes. A shared secret in it would be known to all the world, and counts for nothing.
    pub(super) fn published(text: &[u8]) -> Result<Self, KeyError> {
        Self::read(text, false)
    }

    fn read(text: &[u8], with_secrets: bool) -> Result<Self, KeyError> {
        /// Each key by itself: one of a kind that is not known here takes no other along.
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(text).map_err(|error| {
            KeyError::Set(format!("it is unreadable at line {}, column {}", error.line(), error.column()))
        })?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeyError::Set(format!("it has more than {MAX_KEYS} keys")));
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(|key| Key::read(key, with_secrets)).collect();
        if keys.is_empty() {
            return Err(KeyError::Set("it has no key for RS256, ES256 or EdDSA".to_owned()));
        }
        Ok(Self(keys))
    }

    /// How many keys there are.
    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether any key is for such a token.
    pub(super) fn has(&self, head: &Header) -> bool {
        self.candidates(head).next().is_some()
    }

    /// The keys that may have signed a token with this head.
    pub(super) fn candidates(&self, head: &Header) -> impl Iterator<Item = &Key> {
        let is_named = |key: &Key| match (&key.id, &head.kid) {
            (Some(own), Some(named)) => own == named,
            // A key without a name is the only one that its issuer has; a token without one leaves the choice to us.
            _ => true,
        };
        let fits = move |key: &&Key| key.algorithm == head.alg && is_named(key);
        self.0.iter().filter(fits).take(MAX_CANDIDATES)
    }
}

impl Key {
    fn read(key: Value, with_secrets: bool) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        let common = &jwk.common;
        let is_for_signatures =
            common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature)
                && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => Algorithm::ES256,
            AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
            AlgorithmParameters::OctetKey(_) if with_secrets => Algorithm::HS256,
            _ => return None,
        };
        let says_another = common.key_algorithm.is_some_and(|said| said != KeyAlgorithm::from(algorithm));
        if !is_for_signatures || says_another {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let is_short = algorithm == Algorithm::HS256
            && key.try_get_as_bytes().is_ok_and(|secret| secret.len() < MIN_KEY_BYTES);
        (!is_short).then(|| Self { id: jwk.common.key_id, algorithm, key })
    }
}
