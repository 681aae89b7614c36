//! `POST /v1/client_secrets`: a short-lived token for a browser, made with a key that stays behind.

use std::sync::Arc;

use hyper::{
    Request,
    body::Incoming,
    header::{CACHE_CONTROL, HeaderValue},
};
use identity::{Allowance, Models, Wish, Wrong};
use protocol::{ApiError, ErrorType, token};

use super::{
    answer::{self, Answer},
    body,
};
use crate::{Principal, gateway::Shared};

/// Makes a client secret that allows no more than the caller may. Nothing is kept of it.
pub(super) async fn create(
    shared: &Arc<Shared>,
    principal: &Principal,
    request: Request<Incoming>,
) -> Answer {
    let bytes = body::read(shared, request).await?;
    let wish = protocol::client_secret(&bytes, shared.config.max_json_depth)?;
    let allowance = Allowance {
        requests_per_minute: wish.requests_per_minute,
        tokens_per_minute: wish.tokens_per_minute,
        responses_in_flight: wish.responses_in_flight,
    };
    let wish = Wish { lifetime: wish.lifetime, user: wish.user, models: wish.models, allowance };
    let made = shared.authenticator.make_client_secret(principal, wish).map_err(refuse)?;
    tracing::info!(user = %made.identity.user, expires_at = made.expires_at, "client secret made");
    let models: Option<Vec<String>> = match &made.identity.scopes.models {
        Models::All => None,
        Models::Only(names) => Some(names.iter().cloned().collect()),
    };
    let secret = token::client_secret(&made.value, made.expires_at, &made.identity.user, models.as_deref());
    let mut response = answer::json(&secret);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn refuse(wrong: Wrong) -> ApiError {
    match wrong {
        Wrong::Off => ApiError::new(
            ErrorType::NotFound,
            "client_secrets_off",
            "This gateway makes no client secrets: auth.client_secrets.key is not set.",
        ),
        Wrong::Forbidden => ApiError::forbidden(
            "This API key or token may not make client secrets: it lacks the scope `client_secrets`.",
        ),
        Wrong::Lifetime => ApiError::invalid(
            "expires_after.seconds",
            "invalid_value",
            "A client secret lives between 1 second and 2 hours.",
        ),
        Wrong::TooLong => ApiError::invalid(
            "models",
            "invalid_value",
            "The names of the user and the models are too long together for one client secret.",
        ),
        Wrong::Model(name) => ApiError::model_not_found(&name).with_param("models"),
    }
}
