//! The one who decides who may come.

use std::{path::PathBuf, sync::Arc};

use futures_util::future::join_all;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ClientSecret, ClientSecretsConfig, Credential, FileError, Identity, IssuerConfig, Refusal, Wish, Wrong,
    client_secrets::{ClientSecrets, MIN_KEY_BYTES},
    jwt::{self, Issuer, KeyError},
    keys_file::ApiKeys,
};

/// Where identities come from.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The file of API keys.
    pub keys_file: Option<PathBuf>,
    /// How client secrets are signed; without it there are none.
    pub client_secrets: Option<ClientSecretsConfig>,
    /// Whose tokens count.
    pub issuers: Vec<IssuerConfig>,
}

/// An authenticator cannot be built. The text names no secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file of API keys.
    #[error(transparent)]
    KeysFile(#[from] FileError),
    /// A key for client secrets is too short.
    #[error("a key of auth.client_secrets has fewer than {MIN_KEY_BYTES} bytes")]
    ShortKey,
    /// The keys of an issuer.
    #[error("the issuer {issuer}: {why}")]
    Issuer {
        /// Which.
        issuer: String,
        /// What is wrong.
        why: String,
    },
    /// The same issuer twice: which one counts would depend on their order.
    #[error("the issuer {0} is there twice")]
    Twice(String),
}

/// Makes identities of credentials.
#[derive(Debug)]
pub struct Authenticator(Mode);

#[derive(Debug)]
enum Mode {
    /// Nobody is asked.
    Open,
    Closed(Box<Sources>),
}

/// Where identities come from.
#[derive(Debug)]
struct Sources {
    keys: Option<ApiKeys>,
    client_secrets: Option<ClientSecrets>,
    issuers: Vec<Issuer>,
}

impl Authenticator {
    /// Asks nobody: everyone is [the same user](Identity::anonymous), and what they show is not looked at.
    pub const fn open() -> Self {
        Self(Mode::Open)
    }

    /// Lets in whom these sources know.
    ///
    /// # Errors
    /// When a source cannot be used as it is set. A server of keys that is away is no such case: see [`Self::readiness`].
    pub fn build(config: Config) -> Result<Self, ConfigError> {
        let keys = config.keys_file.map(|path| ApiKeys::open(&path)).transpose()?;
        if let Some(ClientSecretsConfig { key, previous_key }) = &config.client_secrets {
            let mut all = [Some(key), previous_key.as_ref()].into_iter().flatten();
            if all.any(|key| key.reveal().len() < MIN_KEY_BYTES) {
                return Err(ConfigError::ShortKey);
            }
        }
        let client_secrets = config.client_secrets.as_ref().map(ClientSecrets::new);
        let mut issuers: Vec<Issuer> = Vec::new();
        for issuer in config.issuers {
            let name = issuer.issuer.clone();
            if issuers.iter().any(|other| other.name() == name) {
                return Err(ConfigError::Twice(name));
            }
            let built = Issuer::new(issuer);
            let failed = |error: KeyError| ConfigError::Issuer { issuer: name, why: error.to_string() };
            issuers.push(built.map_err(failed)?);
        }
        Ok(Self(Mode::Closed(Box::new(Sources { keys, client_secrets, issuers }))))
    }

    /// Whether nobody is asked.
    pub const fn is_open(&self) -> bool {
        matches!(self.0, Mode::Open)
    }

    /// Who shows this. May wait, a bounded time, for an issuer's keys. Cancel safe.
    ///
    /// # Errors
    /// Why the caller is not let in.
    pub async fn authenticate(&self, shown: Option<&Credential>) -> Result<Arc<Identity>, Refusal> {
        let Mode::Closed(sources) = &self.0 else {
            return Ok(Arc::new(Identity::anonymous()));
        };
        let Sources { keys, client_secrets, issuers } = &**sources;
        let unknown = Refusal::Invalid("no method for such a credential is configured");
        let identity = match shown.ok_or(Refusal::Missing)? {
            Credential::ApiKey(key) => keys.as_ref().ok_or(unknown)?.check(key)?,
            Credential::ClientSecret(secret) => {
                client_secrets.as_ref().ok_or(unknown)?.check(secret, keys.as_ref())?
            }
            Credential::Token(token) => {
                let (head, name) = jwt::peek(token)?;
                let issuer = issuers.iter().find(|issuer| issuer.name() == name);
                issuer.ok_or(Refusal::Invalid("its issuer is not configured"))?.check(token, &head).await?
            }
            Credential::Other => {
                return Err(Refusal::Invalid("not of the form of any credential, or too long"));
            }
        };
        Ok(Arc::new(identity))
    }

    /// Makes a client secret that allows no more than `maker` may.
    ///
    /// # Errors
    /// When there are none here, `maker` may not make any, or wishes for more than there is.
    pub fn make_client_secret(&self, maker: &Identity, wish: Wish) -> Result<ClientSecret, Wrong> {
        let Mode::Closed(sources) = &self.0 else { return Err(Wrong::Off) };
        sources.client_secrets.as_ref().ok_or(Wrong::Off)?.make(maker, wish)
    }

    /// Keeps keys up to date until `done`.
    pub async fn keep(self: Arc<Self>, done: CancellationToken) {
        let tasks = TaskTracker::new();
        if let Mode::Closed(sources) = &self.0 {
            if sources.keys.is_some() {
                let this = Arc::clone(&self);
                tasks.spawn(done.clone().run_until_cancelled_owned(async move { this.keep_keys().await }));
            }
            for at in 0..sources.issuers.len() {
                let this = Arc::clone(&self);
                tasks
                    .spawn(done.clone().run_until_cancelled_owned(async move { this.keep_issuer(at).await }));
            }
        }
        tasks.close();
        done.cancelled().await;
        tasks.wait().await;
    }

    async fn keep_keys(&self) {
        if let Mode::Closed(sources) = &self.0
            && let Some(keys) = &sources.keys
        {
            keys.keep().await;
        }
    }

    async fn keep_issuer(&self, at: usize) {
        if let Mode::Closed(sources) = &self.0 {
            sources.issuers[at].keep().await;
        }
    }

    /// Fetches the keys of each issuer that publishes them, all at the same time and each once: its name, and how many keys it
    /// has, or why they cannot be had. Those that are in use stay as they are.
    pub async fn try_issuers(&self) -> Vec<(String, Result<usize, String>)> {
        let Mode::Closed(sources) = &self.0 else { return Vec::new() };
        let trying = sources.issuers.iter().map(|issuer| async {
            let keys = issuer.try_fetch().await?;
            Some((issuer.name().to_owned(), keys))
        });
        join_all(trying).await.into_iter().flatten().collect()
    }

    /// Whether all credentials can be checked; if not, why not.
    ///
    /// # Errors
    /// Says which keys are missing.
    pub fn readiness(&self) -> Result<(), String> {
        match &self.0 {
            Mode::Open => Ok(()),
            Mode::Closed(sources) => sources.issuers.iter().try_for_each(Issuer::readiness),
        }
    }
}
