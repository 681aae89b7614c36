//! The answer to a `response.steer` that cannot be done.

use serde_json::{Value, json};

use crate::ApiError;

/// The `response.steer.failed` message: it returns the input, so that the client can send it in a turn of its own. In a lane
/// it echoes the lane's `stream_id`.
///
/// It is not of the response's stream, so it has no number there; the SDKs' types want one nevertheless.
pub fn steer_failed(
    previous_response_id: &str,
    input: &Value,
    error: &ApiError,
    stream_id: Option<&str>,
) -> String {
    let mut event = json!({
        "type": "response.steer.failed",
        "sequence_number": 0,
        "error": error.coded_payload(),
        "steer": { "previous_response_id": previous_response_id, "input": input },
    });
    if let Some(stream_id) = stream_id {
        event["stream_id"] = stream_id.into();
    }
    event.to_string()
}
