//! What is said about a request, not what it asks for: its lane, its key, its trace.

use stream::TraceContext;

use super::node::{Node, Result};

/// The longest key or identifier that a client makes up.
pub(crate) const MAX_KEY: usize = 64;

const MAX_STREAM_ID: usize = 256;
const MAX_IDEMPOTENCY_KEY: usize = 256;

/// Whether `text` can name a lane: `[A-Za-z0-9_.-]{1,256}`.
pub fn is_stream_id(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=MAX_STREAM_ID).contains(&text.len()) && text.bytes().all(allowed)
}

/// The lane, if one is named.
pub(crate) fn stream_id(message: &Node<'_, '_>) -> Result<Option<String>> {
    message.optional("stream_id", |id| match id.value.as_str() {
        Some(text) if is_stream_id(text) => Ok(text.to_owned()),
        _ => Err(id.error(
            "invalid_stream_id",
            "Invalid 'stream_id': expected a string that matches the pattern '^[A-Za-z0-9_.-]{1,256}$'.",
        )),
    })
}

/// The key by which a request that is sent again is known.
pub(crate) fn idempotency_key(body: &Node<'_, '_>) -> Result<Option<String>> {
    body.optional("idempotency_key", |key| key.filled(MAX_IDEMPOTENCY_KEY).map(str::to_owned))
}

/// The W3C trace context. One that is malformed is ignored, as that standard wants it: tracing breaks no request.
pub(crate) fn trace(body: &Node<'_, '_>) -> Result<Option<TraceContext>> {
    let text = |name| body.optional(name, |text| text.text().map(str::to_owned));
    let (parent, state) = (text("traceparent")?, text("tracestate")?);
    let trace = parent.and_then(|parent| TraceContext::parse(&parent));
    Ok(trace.map(|trace| trace.with_state(&state.unwrap_or_default())))
}
