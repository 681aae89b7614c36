//! The wording of errors about a parameter: the same as OpenAI's, so that what people find about theirs helps them with
//! ours.

use std::fmt::Display;

use super::{json::kind, node::Node};
use crate::ApiError;

impl Node<'_, '_> {
    /// Any error about this parameter.
    pub(crate) fn error(&self, code: &str, message: impl Into<String>) -> ApiError {
        ApiError::invalid(self.path(), code, message)
    }

    pub(crate) fn missing(&self) -> ApiError {
        self.error("missing_required_parameter", format!("Missing required parameter: '{}'.", self.path()))
    }

    /// It is not of the type that is `expected`.
    pub(crate) fn wrong_type(&self, expected: &str) -> ApiError {
        let (path, got) = (self.path(), kind(self.value));
        self.error(
            "invalid_type",
            format!("Invalid type for '{path}': expected {expected}, but got {got} instead."),
        )
    }

    pub(crate) fn unsupported_value(&self, got: &str, supported: &[&str]) -> ApiError {
        let list: Vec<_> = supported.iter().map(|name| format!("'{name}'")).collect();
        let (verb, list) = (if list.len() == 1 { "value is" } else { "values are" }, list.join(", "));
        self.error("invalid_value", format!("Invalid value: '{}'. Supported {verb}: {list}.", shortened(got)))
    }

    /// Nobody knows such a parameter, here or behind.
    pub(crate) fn unknown(&self) -> ApiError {
        self.error("unknown_parameter", format!("Unknown parameter: '{}'.", self.path()))
    }

    /// The parameter is known, but cannot be honoured; `why` is a sentence.
    pub(crate) fn unsupported(&self, why: &str) -> ApiError {
        self.error("unsupported_parameter", format!("Unsupported parameter: '{}'. {why}", self.path()))
    }

    /// `what` is a string or an array.
    pub(crate) fn too_long(&self, what: &str, max: usize, got: usize) -> ApiError {
        let an = if what == "array" { "an" } else { "a" };
        let message = format!(
            "Invalid '{}': {what} too long. Expected {an} {what} with maximum length {max}, but got {an} {what} with length \
             {got} instead.",
            self.path()
        );
        self.error(&format!("{what}_above_max_length"), message)
    }

    pub(crate) fn empty(&self, what: &str) -> ApiError {
        let an = if what == "array" { "an" } else { "a" };
        let message = format!(
            "Invalid '{}': empty {what}. Expected {an} {what} with minimum length 1, but got an empty {what} instead.",
            self.path()
        );
        self.error(&format!("empty_{what}"), message)
    }

    pub(crate) fn mismatch(&self, pattern: &str) -> ApiError {
        let message = format!(
            "Invalid '{}': string does not match pattern. Expected a string that matches the pattern '{pattern}'.",
            self.path()
        );
        self.error("invalid_value", message)
    }

    /// `what` is an integer or a decimal.
    pub(crate) fn above(&self, what: &str, max: impl Display, got: impl Display) -> ApiError {
        let message = format!(
            "Invalid '{}': {what} above maximum value. Expected a value <= {max}, but got {got} instead.",
            self.path()
        );
        self.error(&format!("{what}_above_max_value"), message)
    }

    /// `what` is an integer or a decimal.
    pub(crate) fn below(&self, what: &str, min: impl Display, got: impl Display) -> ApiError {
        let message = format!(
            "Invalid '{}': {what} below minimum value. Expected a value >= {min}, but got {got} instead.",
            self.path()
        );
        self.error(&format!("{what}_below_min_value"), message)
    }
}

/// What a client wrote, short enough for an error message.
pub(crate) fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 64;
    match text.char_indices().nth(MAX_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
