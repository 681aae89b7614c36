//! Who may call the public listener.

use std::time::Duration;

use engine::Secret;
use identity::Claims;

use super::value::Choice;

/// Who may call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Auth {
    /// Whether callers are told apart; if it is not said, they are where there is a way to.
    pub(crate) mode: Option<AuthMode>,
    /// An operator's word that nobody else can reach a listener without authentication.
    pub(crate) allow_none_beyond_loopback: bool,
    /// The file of API keys.
    pub(crate) keys_file: Option<String>,
    /// What signs client secrets.
    pub(crate) client_secrets_key: TokenKey,
    /// What signed them before.
    pub(crate) client_secrets_previous_key: TokenKey,
    /// Whose tokens count.
    pub(crate) jwt: Vec<Issuer>,
}

/// Whether callers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum AuthMode {
    /// No: everyone who reaches the listener is the same user.
    None,
    /// Yes.
    #[default]
    Required,
}

impl Choice for AuthMode {
    const WORDS: &'static [(&'static str, Self)] = &[("none", Self::None), ("required", Self::Required)];
}

/// A secret that stands here or in a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokenKey {
    /// The secret.
    pub(crate) text: Option<Secret>,
    /// The file that holds it.
    pub(crate) file: Option<String>,
}

impl TokenKey {
    /// Whether it is given at all.
    pub(crate) const fn is_set(&self) -> bool {
        self.text.is_some() || self.file.is_some()
    }
}

/// An issuer of JSON Web Tokens.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    /// What its tokens say in `iss`.
    pub(crate) issuer: String,
    /// For whom they must be.
    pub(crate) audience: Vec<String>,
    /// Where its keys are; if nothing is said of keys, its discovery document tells.
    pub(crate) jwks_url: Option<String>,
    /// A file with its keys.
    pub(crate) key_file: Option<String>,
    /// What the key in that file is for.
    pub(crate) algorithm: Option<Algorithm>,
    /// A secret that it shares with the gateways.
    pub(crate) secret: TokenKey,
    /// How far clocks may be apart.
    pub(crate) leeway: Duration,
    /// Where in a token to look for what.
    pub(crate) claims: Claims,
    /// The tenant, where no claim tells it.
    pub(crate) tenant: Option<String>,
    /// What its tokens allow, where no claim tells it.
    pub(crate) scopes: Vec<String>,
    /// How often keys are fetched.
    pub(crate) refresh_interval: Duration,
    /// The shortest time between two attempts.
    pub(crate) min_refresh_interval: Duration,
    /// For how long they stay in use while their server fails.
    pub(crate) max_key_age: Duration,
}

impl Default for Issuer {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: Vec::new(),
            jwks_url: None,
            key_file: None,
            algorithm: None,
            secret: TokenKey::default(),
            leeway: Duration::from_secs(30),
            claims: Claims::default(),
            tenant: None,
            scopes: identity::Scopes::usual().words(),
            refresh_interval: Duration::from_secs(10 * 60),
            min_refresh_interval: Duration::from_secs(10),
            max_key_age: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What a public key checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Algorithm {
    #[default]
    Rs256,
    Es256,
    EdDsa,
}

impl Choice for Algorithm {
    const WORDS: &'static [(&'static str, Self)] =
        &[("RS256", Self::Rs256), ("ES256", Self::Es256), ("EdDSA", Self::EdDsa)];
}
