//! Client secrets: short-lived tokens for browsers and other places where a key does not belong.
//!
//! `ek_` and a JSON Web Token of our own, signed with a key that all gateways share, so nothing is kept of one anywhere. It says
//! whose it is and what it allows, never more than the credential that made it; and with which API key it was made, so that
//! whoever revokes that key ends it too.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use protocol::Secret;
use serde::{Deserialize, Serialize};

use crate::{Allowance, Identity, MAX_CREDENTIAL, Models, Refusal, Scopes, Source, keys_file::ApiKeys, time};

/// What a client secret begins with.
pub(crate) const PREFIX: &str = "ek_";

/// The kind of token, in its head: nothing else that is signed with the same key can be taken for one.
const TYPE: &str = "narthex-client-secret+jwt";

/// A signature is as strong as its key: RFC 7518, section 3.2, asks for as many bits as the hash has.
pub(crate) const MIN_KEY_BYTES: usize = 32;

/// How long a secret lives: at least, if nothing is said, and at most.
const LIFETIMES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(10 * 60), Duration::from_secs(2 * 60 * 60)];

/// How client secrets are signed.
#[derive(Debug, Clone)]
pub struct ClientSecretsConfig {
    /// Signs, and checks.
    pub key: Secret,
    /// Checks only: what was signed before the key was changed.
    pub previous_key: Option<Secret>,
}

/// What a client secret shall be. What is not said is as its maker's.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// How long it lives.
    pub lifetime: Option<Duration>,
    /// For which user of the maker's tenant.
    pub user: Option<String>,
    /// For which models; patterns as in scopes.
    pub models: Option<Vec<String>>,
    /// With which limits.
    pub allowance: Allowance,
}

/// A client secret, and what it is.
#[derive(Debug, Clone)]
pub struct ClientSecret {
    /// To be sent to who asked for it, and to nobody else.
    pub value: Secret,
    /// When it ends, in seconds since 1970.
    pub expires_at: u64,
    /// Whose it is, and what it allows.
    pub identity: Identity,
}

/// Why there is no client secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// `auth.client_secrets.key` is not set.
    #[error("client secrets are off")]
    Off,
    /// The maker may not make any.
    #[error("the maker lacks the scope client_secrets")]
    Forbidden,
    /// The lifetime is too short or too long.
    #[error("the lifetime is not between 1 second and 2 hours")]
    Lifetime,
    /// So much was wished for that nobody would take the secret back.
    #[error("the secret is too long")]
    TooLong,
    /// The maker may not use this model.
    #[error("the maker may not use the model")]
    Model(String),
}

/// Signs and checks.
#[derive(Debug)]
pub(crate) struct ClientSecrets {
    signs: EncodingKey,
    /// The first is the one that signs.
    checks: Vec<DecodingKey>,
    validation: Validation,
}

/// What a secret says.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    tenant: String,
    user: String,
    scopes: Scopes,
    #[serde(default)]
    allowance: Allowance,
    /// The id of the API key that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    iat: u64,
    exp: u64,
}

impl ClientSecrets {
    pub(crate) fn new(config: &ClientSecretsConfig) -> Self {
        let keys = [Some(&config.key), config.previous_key.as_ref()];
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        Self {
            signs: EncodingKey::from_secret(config.key.reveal().as_bytes()),
            checks: keys
                .into_iter()
                .flatten()
                .map(|key| DecodingKey::from_secret(key.reveal().as_bytes()))
                .collect(),
            validation,
        }
    }

    /// Makes a secret that allows no more than `maker` may.
    pub(crate) fn make(&self, maker: &Identity, wish: Wish) -> Result<ClientSecret, Wrong> {
        // Not by a client secret either, which never has the scope: a chain of them would never end.
        if !maker.scopes.client_secrets {
            return Err(Wrong::Forbidden);
        }
        let [shortest, usual, longest] = LIFETIMES;
        let lifetime = wish.lifetime.unwrap_or(usual);
        if !(shortest..=longest).contains(&lifetime) {
            return Err(Wrong::Lifetime);
        }
        let models = match wish.models {
            None => maker.scopes.models.clone(),
            Some(wanted) => match wanted.iter().find(|name| !maker.scopes.models.cover(name)) {
                Some(beyond) => return Err(Wrong::Model(beyond.clone())),
                None => Models::Only(wanted.into_iter().collect()),
            },
        };
        let scopes =
            Scopes { models, background: maker.scopes.background, client_secrets: false, admin: false };
        let allowance = wish.allowance.within(maker.allowance);
        let iat = time::now();
        let expires_at = (iat + lifetime.as_secs()).min(maker.expires_at.unwrap_or(u64::MAX));
        let key = match &maker.source {
            Source::ApiKey(id) => Some(id.clone()),
            Source::Nothing | Source::ClientSecret(_) | Source::Token(_) => None,
        };
        let user = wish.user.map_or_else(|| maker.user.clone(), Into::into);
        let said = Said {
            tenant: maker.tenant.to_string(),
            user: user.to_string(),
            scopes: scopes.clone(),
            allowance,
            key: key.as_deref().map(str::to_owned),
            iat,
            exp: expires_at,
        };
        let header = Header { typ: Some(TYPE.to_owned()), ..Header::new(Algorithm::HS256) };
        // To sign with a key of bytes that is at hand cannot fail.
        let token = jsonwebtoken::encode(&header, &said, &self.signs).map_err(|_| Wrong::Off)?;
        if PREFIX.len() + token.len() > MAX_CREDENTIAL {
            return Err(Wrong::TooLong);
        }
        let identity = Identity::new(maker.tenant.clone(), user, scopes, Source::ClientSecret(key));
        let identity = Identity { allowance, expires_at: Some(expires_at), ..identity };
        Ok(ClientSecret { value: Secret::new(format!("{PREFIX}{token}")), expires_at, identity })
    }

    /// Whose secret it is. What the key that made it allows now, it allows at most: `keys` tells.
    pub(crate) fn check(&self, secret: &Secret, keys: Option<&ApiKeys>) -> Result<Identity, Refusal> {
        let said = self.read(secret.reveal().strip_prefix(PREFIX).unwrap_or_default())?;
        let Said { tenant, user, mut scopes, mut allowance, key, exp, .. } = said;
        let mut revoked = None;
        if let Some(id) = &key {
            let gone = Refusal::Invalid("the key that made it was revoked");
            let (maker, token) = keys.ok_or(gone)?.find(id)?;
            if maker.tenant != tenant || !maker.scopes.client_secrets {
                return Err(Refusal::Invalid("the key that made it could not make it any more"));
            }
            scopes.models = scopes.models.within(&maker.scopes.models);
            scopes.background &= maker.scopes.background;
            allowance = allowance.within(maker.allowance);
            revoked = Some(token);
        }
        let identity = Identity::new(tenant, user, scopes, Source::ClientSecret(key.map(Into::into)));
        let identity = Identity { allowance, expires_at: Some(exp), ..identity };
        Ok(match revoked {
            Some(revoked) => identity.until(revoked),
            None => identity,
        })
    }

    fn read(&self, token: &str) -> Result<Said, Refusal> {
        use jsonwebtoken::errors::ErrorKind;
        let mut refusal = Refusal::Invalid("not a client secret");
        for key in &self.checks {
            match jsonwebtoken::decode::<Said>(token, key, &self.validation) {
                Ok(data) if data.header.typ.as_deref() == Some(TYPE) && data.header.crit.is_none() => {
                    return Ok(data.claims);
                }
                Ok(_) => {}
                Err(error) => match error.kind() {
                    ErrorKind::ExpiredSignature => return Err(Refusal::Expired),
                    ErrorKind::InvalidSignature => refusal = Refusal::Invalid("signed with another key"),
                    _ => {}
                },
            }
        }
        Err(refusal)
    }
}

#[cfg(test)]
mod tests;
