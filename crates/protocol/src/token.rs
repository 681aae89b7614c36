//! What is said of tokens: the answer of `POST /v1/client_secrets`, and the extension events on a WebSocket.
//!
//! These events are of the connection and not of a response's stream, so they have no number there; the SDKs' types want one
//! nevertheless.

use serde_json::{Value, json};

use crate::Secret;

/// `narthex:token.expiring`: the connection's token ends soon, at this second since 1970. Send another one in time.
pub fn expiring(expires_at: u64) -> String {
    event("narthex:token.expiring", Some(expires_at))
}

/// `narthex:token.updated`: the connection goes on with the token that was sent, until this second since 1970.
pub fn updated(expires_at: Option<u64>) -> String {
    event("narthex:token.updated", expires_at)
}

fn event(kind: &str, expires_at: Option<u64>) -> String {
    json!({ "type": kind, "sequence_number": 0, "expires_at": expires_at }).to_string()
}

/// What `POST /v1/client_secrets` answers: the secret itself, and what it amounts to. `models` is `None` for all of them.
pub fn client_secret(value: &Secret, expires_at: u64, user: &str, models: Option<&[String]>) -> Value {
    json!({
        "object": "client_secret", "value": value.reveal(), "expires_at": expires_at, "user": user, "models": models,
    })
}
