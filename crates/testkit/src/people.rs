//! People with API keys: who they are, what they may, and a gateway's way to know them.

use std::time::Duration;

use identity::{
    Allowance, Authenticator, ClientSecretsConfig, Config, IssuerConfig, KeysFile, NewKey, Scopes, make_key,
};
use protocol::Secret;
use tempfile::TempDir;

/// What signs client secrets in tests.
pub const CLIENT_SECRETS_KEY: &str = "a key for client secrets, of tests alone";

/// Those who have keys.
#[derive(Debug)]
pub struct People {
    directory: TempDir,
}

impl People {
    /// Nobody yet.
    ///
    /// # Panics
    /// When there is no room on the disk.
    pub fn new() -> Self {
        let people = Self { directory: TempDir::new().expect("a directory") };
        people.file().change(|_| ()).expect("a file of keys");
        people
    }

    /// The file of their keys.
    pub fn file(&self) -> KeysFile {
        KeysFile::new(self.directory.path().join("keys.toml"))
    }

    /// A key of `user` of `tenant` with these scopes. Its name is the user's.
    ///
    /// # Panics
    /// When a scope is none.
    pub fn key(&self, tenant: &str, user: &str, scopes: &[&str]) -> String {
        self.key_for(tenant, user, scopes, None)
    }

    /// A key that ends after so long.
    ///
    /// # Panics
    /// When a scope is none.
    pub fn key_for(&self, tenant: &str, user: &str, scopes: &[&str], lifetime: Option<Duration>) -> String {
        let new = NewKey {
            name: user.to_owned(),
            tenant: tenant.to_owned(),
            user: user.to_owned(),
            scopes: Scopes::read(scopes.iter().copied()).expect("scopes"),
            allowance: Allowance::default(),
            lifetime,
        };
        let (key, record) = make_key(new).expect("randomness");
        self.file().change(|keys| keys.push(record)).expect("a file of keys");
        key.reveal().to_owned()
    }

    /// Revokes all keys of this name.
    ///
    /// # Panics
    /// When the file cannot be changed.
    pub fn revoke(&self, name: &str) {
        self.file().change(|keys| keys.retain(|key| key.name != name)).expect("a file of keys");
    }

    /// Lets them in, those with tokens of these issuers, and whom they make client secrets for.
    ///
    /// # Panics
    /// When the issuers cannot be used.
    pub fn authenticator(&self, issuers: Vec<IssuerConfig>) -> Authenticator {
        let client_secrets = ClientSecretsConfig { key: Secret::new(CLIENT_SECRETS_KEY), previous_key: None };
        let config = Config {
            keys_file: Some(self.file().path().to_owned()),
            client_secrets: Some(client_secrets),
            issuers,
        };
        Authenticator::build(config).expect("an authenticator")
    }
}

impl Default for People {
    fn default() -> Self {
        Self::new()
    }
}
