//! How a response ended, in the terms of Chat Completions.

use serde_json::{Value, json};

use crate::{ApiError, Usage};

/// Why an answer ended: its `finish_reason`, or the error instead of one.
///
/// A response that was cut off for a reason that Chat Completions has no word for ended at some length. One that was
/// cancelled is an error: whoever still listens must not take half an answer for a whole one.
pub(super) fn finish_reason(resource: &Value, has_calls: bool) -> Result<&'static str, ApiError> {
    match resource["status"].as_str().unwrap_or_default() {
        "completed" if has_calls => Ok("tool_calls"),
        "completed" => Ok("stop"),
        "incomplete" => match resource["incomplete_details"]["reason"].as_str() {
            Some("content_filter") => Ok("content_filter"),
            _ => Ok("length"),
        },
        "cancelled" => Err(ApiError::server("response_cancelled", "The response was cancelled.")),
        _ => Err(failure(&resource["error"])),
    }
}

fn failure(error: &Value) -> ApiError {
    let member = |name: &str| error[name].as_str();
    ApiError::server(
        member("code").unwrap_or("server_error"),
        member("message").unwrap_or("The response failed for an unknown reason."),
    )
}

/// The usage as Chat Completions counts it.
pub(super) fn usage_json(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
        "prompt_tokens_details": { "cached_tokens": usage.cached_tokens },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
    })
}

/// `chatcmpl-` and the digits of the response's own id, so that each can be found from the other.
pub(super) fn completion_id(response_id: &str) -> String {
    format!("chatcmpl-{}", response_id.strip_prefix("resp_").unwrap_or(response_id))
}
