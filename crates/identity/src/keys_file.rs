//! API keys: a file of hashes, which `narthex keys` edits and every gateway reads again when it changes.
//!
//! A file and not the broker: who may come must not depend on whether a broker answers, and a file is what secrets of
//! Kubernetes and repositories of settings know how to carry. The price is that a revocation reaches a gateway when the file
//! does, and then within [`RELOAD_INTERVAL`].
//!
//! A key is `nk_<id>_<secret>`. The id finds the entry, and the SHA-256 of the whole key is compared with the one that stands
//! there, in constant time. A slow hash would protect nothing more: the secret has 256 random bits, and nobody tries them all.

mod key;
mod store;

use std::{collections::HashMap, io, path::Path, sync::Arc, time::Duration};

use protocol::Secret;
use subtle::ConstantTimeEq as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use key::{KeyRecord, NewKey, make_key};
pub use store::{FileError, KeysFile};

use crate::{Identity, Refusal, Source, time};
use key::hash;

/// What a key begins with.
pub(crate) const PREFIX: &str = "nk_";

/// How often the file is looked at.
pub(crate) const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// The keys of a file, as they are now.
#[derive(Debug)]
pub(crate) struct ApiKeys {
    file: KeysFile,
    current: watch::Sender<Arc<Entries>>,
}

/// What the file said last.
#[derive(Debug, Default)]
struct Entries {
    /// Compared with what the file says now. Read whole and not by its time: a file's time is coarser than its changes, and
    /// behind a symbolic link that moves it may even go back.
    text: String,
    by_id: HashMap<Arc<str>, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    record: Arc<KeyRecord>,
    /// Cancelled when the entry is removed or changed.
    revoked: CancellationToken,
}

impl ApiKeys {
    /// Reads the file for the first time.
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let file = KeysFile::new(path);
        let text = file.text()?;
        let entries = Entries::default().followed_by(text)?;
        Ok(Self { file, current: watch::Sender::new(Arc::new(entries)) })
    }

    /// Whose key it is.
    pub(crate) fn check(&self, key: &Secret) -> Result<Identity, Refusal> {
        let entry = self.entry(id_of(key.reveal()).ok_or(Refusal::Invalid("not of the form of a key"))?);
        let entry = entry.ok_or(Refusal::Invalid("no key has this id"))?;
        let record = &entry.record;
        if !bool::from(hash(key.reveal()).as_bytes().ct_eq(record.hash.as_bytes())) {
            return Err(Refusal::Invalid("the key with this id is another one"));
        }
        check_time(record)?;
        let source = Source::ApiKey(record.id.as_str().into());
        let identity =
            Identity::new(record.tenant.as_str(), record.user.as_str(), record.scopes.clone(), source);
        let identity = Identity { allowance: record.allowance, expires_at: record.expires, ..identity };
        Ok(identity.until(entry.revoked))
    }

    /// The key of this id as it is now, if it still counts, and what is cancelled when it no longer does.
    pub(crate) fn find(&self, id: &str) -> Result<(Arc<KeyRecord>, CancellationToken), Refusal> {
        let entry = self.entry(id).ok_or(Refusal::Invalid("the key that made it was revoked"))?;
        check_time(&entry.record)?;
        Ok((entry.record, entry.revoked))
    }

    fn entry(&self, id: &str) -> Option<Entry> {
        self.current.borrow().by_id.get(id).cloned()
    }

    /// Looks at the file again and again, for ever. A file that cannot be read, or is not what it should be, changes nothing.
    pub(crate) async fn keep(&self) {
        let mut complaint = None;
        let mut looks = tokio::time::interval(RELOAD_INTERVAL);
        loop {
            looks.tick().await;
            let told = match self.reload().await {
                Ok(()) => None,
                Err(error) => Some(error.to_string()),
            };
            // Once, and not every second.
            if told != complaint {
                match &told {
                    Some(why) => {
                        tracing::warn!(why, "the API keys stay as they were: failed to read their file")
                    }
                    None => tracing::info!("the file of API keys is well again"),
                }
                complaint = told;
            }
        }
    }

    async fn reload(&self) -> Result<(), FileError> {
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || file.text());
        let text = read
            .await
            .unwrap_or_else(|error| Err(FileError::unread(self.file.path(), &io::Error::other(error))))?;
        let before = self.current.borrow().clone();
        if before.text == text {
            return Ok(());
        }
        let entries = before.followed_by(text)?;
        tracing::info!(keys = entries.by_id.len(), "the API keys have changed");
        self.current.send_replace(Arc::new(entries));
        Ok(())
    }
}

impl Entries {
    /// These entries as `text` has them now. What is the same stays; what was removed or changed in any way is revoked, and who
    /// came with it has to come again.
    fn followed_by(&self, text: String) -> Result<Self, FileError> {
        let records = store::parse(&text)?;
        let mut by_id = HashMap::with_capacity(records.len());
        for record in records {
            let old = self.by_id.get(record.id.as_str()).filter(|old| *old.record == record);
            let entry = old
                .cloned()
                .unwrap_or_else(|| Entry { record: Arc::new(record), revoked: CancellationToken::new() });
            by_id.insert(Arc::from(entry.record.id.as_str()), entry);
        }
        for (id, old) in &self.by_id {
            if by_id.get(id).is_none_or(|new| new.record != old.record) {
                old.revoked.cancel();
            }
        }
        Ok(Self { text, by_id })
    }
}

/// The id in a key: what stands between its first two underscores.
fn id_of(key: &str) -> Option<&str> {
    let (id, secret) = key.strip_prefix(PREFIX)?.split_once('_')?;
    (!id.is_empty() && !secret.is_empty()).then_some(id)
}

fn check_time(record: &KeyRecord) -> Result<(), Refusal> {
    match record.expires {
        Some(expires) if expires < time::now() => Err(Refusal::Expired),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
