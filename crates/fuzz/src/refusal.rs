//! Clients hear what was wrong with what they said.

use protocol::ApiError;
use serde_json::Value;

/// An error is JSON, blames the client, and does not send back all that it was sent.
///
/// # Panics
/// When it is not so.
pub fn check_refusal(error: &ApiError) {
    let body: Value = serde_json::from_str(&error.http_body()).expect("JSON");
    assert!(body["error"]["message"].as_str().is_some_and(|message| message.len() < 2000), "{body}");
    assert!((400..500).contains(&error.status()), "{body}");
}
