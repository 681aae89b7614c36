//! What a gateway says of a connection, and not of a response's stream.
//!
//! These events have no number of their own; the SDKs' types want one nevertheless.

use serde_json::{Value, json};

use super::{Encoding, PublicKey};

/// `narthex:session.created`: the first event of a connection that speaks the extension.
///
/// `max_message_bytes` is how long a client's message may be, and `ping_interval_ms` how often the client hears at least a ping.
pub fn created(encoding: Encoding, max_message_bytes: usize, ping_interval_ms: u64) -> String {
    event(
        "narthex:session.created",
        json!({
            "subprotocol": encoding.subprotocol(),
            "max_message_bytes": max_message_bytes,
            "ping_interval_ms": ping_interval_ms,
        }),
    )
}

/// `narthex:session.updated`: what was asked for counts. It is the last frame that is not signed, if `signing` was asked for;
/// that is the gateway's part of the key.
pub fn updated(credit: Option<u32>, signing: Option<&PublicKey>) -> String {
    let signing = signing.map(|key| json!({ "public_key": key.to_text() }));
    event("narthex:session.updated", json!({ "credit": credit, "signing": signing }))
}

/// `narthex:response.resumed`: the events of the response follow in the lane; if it `ended` with the last that the client has, there
/// are none.
pub fn resumed(response_id: &str, ended: bool, stream_id: Option<&str>) -> String {
    let mut members = json!({ "response_id": response_id, "ended": ended });
    if let Some(stream_id) = stream_id {
        members["stream_id"] = stream_id.into();
    }
    event("narthex:response.resumed", members)
}

/// `narthex:response.cancelled`: the response has ended, as `status` says. (It may have been complete before.)
pub fn cancelled(response_id: &str, status: &Value) -> String {
    event("narthex:response.cancelled", json!({ "response_id": response_id, "status": status }))
}

fn event(kind: &str, mut members: Value) -> String {
    members["type"] = kind.into();
    members["sequence_number"] = 0.into();
    members.to_string()
}
