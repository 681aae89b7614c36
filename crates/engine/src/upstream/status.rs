//! What a model server's refusals and failures mean: which fault it is, what the client is told and what the operator.
//!
//! A client is told the server's own words only where it can do something about it, and then with addresses and keys taken
//! out. In all other cases it is told a sentence of ours; the words go to the log.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde_json::Value;

use crate::{Error, Fault, mask::mask};

/// Words of the server that are kept for the log.
const MAX_DETAIL: usize = 2_000;

pub(super) fn unreachable(detail: String) -> Error {
    Error::new(Fault::Unreachable, "The model server cannot be reached.", detail)
}

/// The stream ended before the model did.
pub(crate) fn broke_off(detail: impl Into<String>) -> Error {
    Error::new(Fault::Unreachable, "The model server broke off before the end.", detail)
}

/// The server said what is not of its protocol.
pub(crate) fn garbled(detail: impl Into<String>) -> Error {
    let mut detail = detail.into();
    detail.truncate(detail.floor_char_boundary(MAX_DETAIL));
    Error::new(Fault::Garbled, "The model server answered something that is not of its protocol.", detail)
}

/// An answer with a status that is not a success.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let fault = match fault_of(status.as_u16()) {
        Fault::Busy { .. } => Fault::Busy { retry_after: retry_after(headers) },
        fault => fault,
    };
    let text = String::from_utf8_lossy(body);
    let said = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
    told(fault, &format!("status {status}"), &said)
}

/// JSON where a stream was asked for.
pub(super) fn in_place_of_stream(body: &[u8]) -> Error {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) if body.get("error").is_some_and(|error| !error.is_null()) => readable(&body["error"]),
        _ => garbled(format!("JSON in place of a stream: {}", String::from_utf8_lossy(body))),
    }
}

/// An error object that came in a stream: its code, if it is a status, says which fault it is.
pub(crate) fn readable(error: &Value) -> Error {
    let code = &error["code"];
    let code = code.as_u64().or_else(|| code.as_str()?.parse().ok());
    let fault = match code.and_then(|code| u16::try_from(code).ok()) {
        Some(status @ 400..600) => fault_of(status),
        _ => match error["code"].as_str().unwrap_or_default() {
            "rate_limit_exceeded" => Fault::Busy { retry_after: None },
            "context_length_exceeded" => Fault::Refused,
            code if code.starts_with("invalid_") => Fault::Refused,
            _ => Fault::Failed,
        },
    };
    told(fault, "an error in the stream", error)
}

/// The fault that goes with an HTTP status.
const fn fault_of(status: u16) -> Fault {
    match status {
        400 | 404 | 413 | 422 => Fault::Refused,
        // 402: the operator's account is empty. 529: overloaded, with some.
        401..=403 => Fault::Unauthorized,
        408 | 504 => Fault::Timeout("answer"),
        429 | 503 | 529 => Fault::Busy { retry_after: None },
        500..=599 => Fault::Failed,
        // A redirection, or a status that a server of this protocol has no reason for: the URL is wrong.
        _ => Fault::Garbled,
    }
}

/// The error for a fault, from what the server said: `{"error": {"message", "param", "code"}}`, `{"error": "…"}`,
/// `{"message": "…"}`, `{"detail": …}`, the inner object alone, or any text.
fn told(fault: Fault, place: &str, said: &Value) -> Error {
    let inner = said.get("error").filter(|error| !error.is_null()).unwrap_or(said);
    let message = ["message", "detail"].iter().find_map(|name| inner.get(*name)).unwrap_or(inner);
    let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    let mut detail = format!("{place}: {said}");
    detail.truncate(detail.floor_char_boundary(MAX_DETAIL));
    let mut error = Error::new(fault, sentence(fault), detail);
    if fault == Fault::Refused {
        if !message.is_empty() && message != "null" {
            error.message = mask(&message);
        }
        error.param = inner.get("param").and_then(Value::as_str).filter(|text| is_name(text)).map(ours);
        error.code =
            inner.get("code").and_then(Value::as_str).filter(|text| is_name(text)).map(str::to_owned);
    }
    error
}

const fn sentence(fault: Fault) -> &'static str {
    match fault {
        Fault::Refused => "The model server refused the request.",
        Fault::Busy { .. } => "The model server has too much to do. Try again later.",
        Fault::Unreachable => "The model server cannot be reached.",
        Fault::Failed => "The model server failed.",
        Fault::Unauthorized => "The model server does not accept its operator's credentials.",
        Fault::Timeout(_) => "The model server took too long.",
        Fault::Garbled => "The model server answered something that is not of its protocol.",
    }
}

/// Whether a text is a name or a path of names, and nothing else.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']');
    !text.is_empty() && text.len() <= 64 && text.bytes().all(is_part)
}

/// The standard's name of a parameter that Chat Completions calls otherwise.
fn ours(param: &str) -> String {
    match param {
        "messages" => "input".to_owned(),
        "max_tokens" | "max_completion_tokens" => "max_output_tokens".to_owned(),
        "response_format" => "text.format".to_owned(),
        "reasoning_effort" => "reasoning.effort".to_owned(),
        "verbosity" => "text.verbosity".to_owned(),
        // The places in the two lists differ, so the place is left out.
        param if param.starts_with("messages") => "input".to_owned(),
        param => param.to_owned(),
    }
}

/// When to come back: milliseconds, seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(milliseconds) = text("retry-after-ms").and_then(|value| value.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(milliseconds / 1_000.0).ok();
    }
    let value = text(RETRY_AFTER.as_str())?;
    match value.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok(),
    }
}

#[cfg(test)]
mod tests;
