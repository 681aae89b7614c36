//! One API key: how it is made, and what is kept of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::PREFIX;
use crate::{Allowance, Scopes, time};

/// What is kept of a key: everything but the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// What stands in the key itself, to find this.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whose key.
    pub tenant: String,
    /// Who comes with it.
    pub user: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made, in seconds since 1970.
    #[serde(with = "rfc3339")]
    pub created: u64,
    /// When it ends, if it does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_or_none")]
    pub expires: Option<u64>,
    /// SHA-256 of the whole key, in hexadecimal.
    pub hash: String,
    /// Limits of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allowance: Allowance,
}

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// Whose key.
    pub tenant: String,
    /// Who comes with it.
    pub user: String,
    /// What it allows.
    pub scopes: Scopes,
    /// Limits of its own.
    pub allowance: Allowance,
    /// How long it lives, if it ends by itself.
    pub lifetime: Option<Duration>,
}

/// Makes a key of 256 random bits. It is nowhere but in what this returns.
///
/// # Errors
/// When the operating system has no randomness.
pub fn make_key(new: NewKey) -> Result<(Secret, KeyRecord), getrandom::Error> {
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    let id = hex(&id);
    let key = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
    let created = time::now();
    let NewKey { name, tenant, user, scopes, allowance, lifetime } = new;
    let expires = lifetime.map(|lifetime| created.saturating_add(lifetime.as_secs()));
    let record = KeyRecord { id, name, tenant, user, scopes, created, expires, hash: hash(&key), allowance };
    Ok((Secret::new(key), record))
}

/// What is kept of a key.
pub(super) fn hash(key: &str) -> String {
    hex(&Sha256::digest(key))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_default(allowance: &Allowance) -> bool {
    *allowance == Allowance::default()
}

/// A time as people read it, to the second.
pub(super) fn write_time(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

fn read_time(text: &str) -> Result<u64, humantime::TimestampError> {
    let time: SystemTime = humantime::parse_rfc3339_weak(text)?;
    Ok(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(seconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        super::write_time(*seconds).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::read_time(&text)
            .map_err(|_| D::Error::custom(format!("`{text}` is no time such as `2027-01-31T00:00:00Z`")))
    }
}

mod rfc3339_or_none {
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(seconds: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match seconds {
            Some(seconds) => super::rfc3339::serialize(seconds, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        super::rfc3339::deserialize(deserializer).map(Some)
    }
}
