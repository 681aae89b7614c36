//! The body of `POST /v1/client_secrets`.

use std::time::Duration;

use super::{
    json,
    node::{Node, Result},
};
use crate::ApiError;

/// The longest name of a user, and of a model.
const MAX_NAME: usize = 256;

/// As many models a secret names at most: all of them go with every request.
const MAX_MODELS: usize = 32;

/// What a client secret shall be. What is not said is as its maker's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientSecretWish {
    /// How long it lives.
    pub lifetime: Option<Duration>,
    /// For whom it is.
    pub user: Option<String>,
    /// Which models it is for; `small-*` is all whose names begin so.
    pub models: Option<Vec<String>>,
    /// Its limits.
    pub requests_per_minute: Option<u64>,
    /// Likewise.
    pub tokens_per_minute: Option<u64>,
    /// Likewise.
    pub responses_in_flight: Option<u64>,
}

/// Reads the body. It may be empty: then the secret is as its maker's, and lives for ten minutes.
///
/// # Errors
/// What is wrong with it, naming the parameter.
pub fn client_secret(body: &[u8], max_depth: usize) -> Result<ClientSecretWish, ApiError> {
    if body.is_empty() {
        return Ok(ClientSecretWish::default());
    }
    let value = json::read_object(body, max_depth)?.into();
    let body = Node::root(&value);
    // Strictly: a limit that is misspelled and ignored would be none.
    body.only(&["expires_after", "user", "models", "allowance"])?;
    let mut wish = ClientSecretWish {
        lifetime: body.optional("expires_after", lifetime)?.flatten(),
        user: body.optional("user", |user| user.filled(MAX_NAME).map(str::to_owned))?,
        models: body.optional("models", models)?,
        ..ClientSecretWish::default()
    };
    if let Some(allowance) = body.get("allowance") {
        allowance.only(&["requests_per_minute", "tokens_per_minute", "responses_in_flight"])?;
        let limit = |name| allowance.optional(name, |limit| limit.integer(0..=u64::from(u32::MAX)));
        wish.requests_per_minute = limit("requests_per_minute")?;
        wish.tokens_per_minute = limit("tokens_per_minute")?;
        wish.responses_in_flight = limit("responses_in_flight")?;
    }
    Ok(wish)
}

fn lifetime(expires_after: &Node<'_, '_>) -> Result<Option<Duration>> {
    expires_after.only(&["anchor", "seconds"])?;
    expires_after.optional("anchor", |anchor| anchor.one_of(&["created_at"]))?;
    expires_after.optional("seconds", |seconds| seconds.integer(1..=7200).map(Duration::from_secs))
}

fn models(models: &Node<'_, '_>) -> Result<Vec<String>> {
    let names: Vec<String> =
        models.elements()?.map(|name| name.filled(MAX_NAME).map(str::to_owned)).collect::<Result<_>>()?;
    match names.len() {
        0 => Err(models.empty("array")),
        1..=MAX_MODELS => Ok(names),
        length => Err(models.too_long("array", MAX_MODELS, length)),
    }
}
