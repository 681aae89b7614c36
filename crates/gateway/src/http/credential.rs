//! Where a request says who is asking.
//!
//! In a header, as all clients but browsers do it, or as a subprotocol of a WebSocket, which is all that a browser can set. Never in
//! the URL, which ends in logs and histories.

use hyper::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL},
};
use identity::{Credential, Refusal};

/// What stands before the token in a subprotocol: ours, and the one of OpenAI's clients.
const TOKEN_PROTOCOLS: [&str; 2] = ["narthex.bearer.", "openai-insecure-api-key."];

/// Headers that hold a key and nothing else: Azure's clients send the first, several gateways' the other.
const KEY_HEADERS: [&str; 2] = ["api-key", "x-api-key"];

/// Parameters by which clients of other services send keys.
const KEY_PARAMETERS: [&str; 3] = ["api_key", "access_token", "api-key"];

/// What the caller shows, if anything.
///
/// # Errors
/// When it stands in the URL, or when there are several that differ.
pub(super) fn shown(uri: &Uri, headers: &HeaderMap) -> Result<Option<Credential>, Refusal> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    if query.into_iter().any(|(name, _)| KEY_PARAMETERS.contains(&&*name)) {
        return Err(Refusal::InUrl);
    }
    Ok(shown_text(headers)?.map(Credential::of))
}

/// The same as it was written. The same shown twice is shown once.
///
/// # Errors
/// When there are several that differ.
pub(crate) fn shown_text(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut all = authorizations(headers)?;
    for name in KEY_HEADERS {
        for value in headers.get_all(name) {
            all.push(value.to_str().map_err(|_| Refusal::Invalid("not of text"))?);
        }
    }
    all.extend(subprotocols(headers).filter_map(token_of));
    let Some((first, others)) = all.split_first() else { return Ok(None) };
    if others.iter().any(|other| other != first) {
        return Err(Refusal::Several);
    }
    Ok(Some(first))
}

/// `Authorization: Bearer …` (RFC 6750); the scheme is of any case.
fn authorizations(headers: &HeaderMap) -> Result<Vec<&str>, Refusal> {
    let wrong = Refusal::Invalid("the Authorization header is not of the form `Bearer …`");
    headers.get_all(AUTHORIZATION).iter().map(|value| bearer(value).ok_or(wrong)).collect()
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The subprotocols that a client offers for a WebSocket, in its order.
pub(crate) fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty())
}

/// The token in a subprotocol that is one.
pub(crate) fn token_of(subprotocol: &str) -> Option<&str> {
    TOKEN_PROTOCOLS.iter().find_map(|start| subprotocol.strip_prefix(start))
}

#[cfg(test)]
mod tests;
