//! Idempotency keys: one key of one user is one response.

use std::time::Duration;

use bytes::Bytes;
use protocol::{ApiError, ErrorType, Request, StoredResponse};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use stream::ResponseId;

use super::internal;
use crate::{Principal, continuation::unavailable, ending::unix_time, gateway::Shared};

/// What an idempotency key stands for.
#[derive(Serialize, Deserialize)]
struct KeyRecord {
    id: ResponseId,
    /// Of the request: another one under the same key is a conflict.
    digest: String,
    /// When, in seconds since 1970.
    claimed_at: u64,
}

/// How an idempotency key, if there is one, was found.
pub(super) struct Claimed {
    pub(super) id: ResponseId,
    /// Whether an earlier request has the key, so that the stream may be there already.
    pub(super) is_repeated: bool,
}

/// A key younger than this may belong to a request that is being taken in right now, elsewhere.
const CLAIM_AGE: Duration = Duration::from_secs(60);

impl Shared {
    /// The id that `key` stands for: a new one, if nobody has used the key.
    pub(super) async fn claim_key(
        &self,
        principal: &Principal,
        key: &str,
        request: &Request,
    ) -> Result<Claimed, ApiError> {
        let place = key_place(principal, key);
        let digest = hex(&Sha256::digest(serde_json::to_vec(request).map_err(internal)?));
        let own = KeyRecord { id: self.broker.log.new_id(), digest, claimed_at: unix_time() };
        let value = Bytes::from(serde_json::to_vec(&own).map_err(internal)?);
        let ttl = self.config.idempotency_ttl;
        let Some(seen) = self.broker.store.insert(&place, value.clone(), ttl).await.map_err(unavailable)?
        else {
            return Ok(Claimed { id: own.id, is_repeated: false });
        };
        let seen: KeyRecord = serde_json::from_slice(&seen).map_err(internal)?;
        if seen.digest != own.digest {
            return Err(conflict());
        }
        let is_recent = own.claimed_at.saturating_sub(seen.claimed_at) < CLAIM_AGE.as_secs();
        let is_alive = is_recent
            || self.broker.log.header(seen.id).await.map_err(unavailable)?.is_some()
            || self.broker.store.get(&StoredResponse::key(seen.id)).await.map_err(unavailable)?.is_some();
        if is_alive {
            return Ok(Claimed { id: seen.id, is_repeated: true });
        }
        // What the key stood for was not stored, and its stream has expired: it is a new request.
        self.broker.store.put(&place, value, ttl).await.map_err(unavailable)?;
        Ok(Claimed { id: own.id, is_repeated: false })
    }
}

/// Where a user's key is kept. Hashed, so that a key of any content has a place that no other user's key can have.
fn key_place(principal: &Principal, key: &str) -> String {
    let digest = Sha256::new()
        .chain_update((principal.tenant.len() as u64).to_be_bytes())
        .chain_update(&*principal.tenant)
        .chain_update((principal.user.len() as u64).to_be_bytes())
        .chain_update(&*principal.user)
        .chain_update(key)
        .finalize();
    format!("idempotency:{}", hex(&digest))
}

fn conflict() -> ApiError {
    ApiError::new(
        ErrorType::InvalidRequestError,
        "idempotency_conflict",
        "This idempotency key was used for a request with another body. Use a new key for a new request.",
    )
    .with_param("idempotency_key")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
