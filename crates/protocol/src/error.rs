//! The one error that clients see: the standard's shape, over HTTP and on a socket.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Limited;

/// What went wrong, in the standard's terms. `Display` is the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct ApiError {
    /// The kind of error; it decides the HTTP status.
    #[serde(rename = "type")]
    pub error_type: ErrorType,
    /// A code for programs.
    pub code: Option<String>,
    /// A sentence for people: what is wrong and what to do.
    pub message: String,
    /// The parameter that is wrong, as a path: `input[0].content`.
    pub param: Option<String>,
    /// Where one of the caller's limits is the reason: what is known of them.
    #[serde(skip)]
    pub limited: Option<Box<Limited>>,
}

/// The standard's kinds of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// The request is wrong. 400, or the status that its code has by HTTP (401, 403, 413, 409, …).
    InvalidRequestError,
    /// Nothing is there that the caller may see. 404.
    NotFound,
    /// The caller, or the system, has too much to do. 429.
    TooManyRequests,
    /// Our fault. 500, or 503 when trying again soon will help.
    ServerError,
    /// The model server's fault. 500.
    ModelError,
}

/// Codes that say: nobody is let in like this. Their type is `invalid_request_error`, as in OpenAI's API.
const UNAUTHORIZED: [&str; 5] = [
    "invalid_api_key",
    "token_expired",
    "missing_credentials",
    "ambiguous_credentials",
    "credentials_in_url",
];

impl ErrorType {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequestError => "invalid_request_error",
            Self::NotFound => "not_found",
            Self::TooManyRequests => "too_many_requests",
            Self::ServerError => "server_error",
            Self::ModelError => "model_error",
        }
    }
}

impl ApiError {
    /// An error of `error_type`, with a code and a message.
    pub fn new(error_type: ErrorType, code: &str, message: impl Into<String>) -> Self {
        Self { error_type, code: Some(code.to_owned()), message: message.into(), param: None, limited: None }
    }

    /// A parameter is wrong.
    pub fn invalid(param: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(ErrorType::InvalidRequestError, code, message) }
    }

    /// Something of ours, or of the broker's, failed.
    pub fn server(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorType::ServerError, code, message)
    }

    /// The model server failed.
    pub fn model(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorType::ModelError, code, message)
    }

    /// There is no such response, or it is somebody else's: the two look the same.
    pub fn response_not_found(id: &str) -> Self {
        Self {
            param: Some("response_id".to_owned()),
            ..Self::new(
                ErrorType::NotFound,
                "response_not_found",
                format!("No response with id '{id}' was found."),
            )
        }
    }

    /// The response to continue is not there, or not from here.
    pub fn previous_response_not_found(id: &str) -> Self {
        Self::invalid(
            "previous_response_id",
            "previous_response_not_found",
            format!("Previous response with id '{id}' was not found."),
        )
    }

    /// Nobody serves the model.
    pub fn model_not_found(model: &str) -> Self {
        Self {
            param: Some("model".to_owned()),
            ..Self::new(
                ErrorType::NotFound,
                "model_not_found",
                format!(
                    "The model '{model}' does not exist or is not served here. GET /v1/models lists those that are."
                ),
            )
        }
    }

    /// The caller is known, and may not do this. For what does not exist to the caller at all there is
    /// [`Self::model_not_found`] and its like.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorType::InvalidRequestError, "insufficient_permissions", message)
    }

    /// The same error about another parameter.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The HTTP status that goes with it.
    pub fn status(&self) -> u16 {
        match (self.error_type, self.code.as_deref()) {
            (_, Some("https_required" | "origin_not_allowed")) => 403,
            (_, Some("request_too_large")) => 413,
            (_, Some("idempotency_conflict")) => 409,
            (_, Some("method_not_allowed")) => 405,
            (_, Some("unsupported_media_type")) => 415,
            (_, Some("request_timeout")) => 408,
            (_, Some(code)) if UNAUTHORIZED.contains(&code) => 401,
            (_, Some("insufficient_permissions")) => 403,
            (_, Some("overloaded" | "broker_unavailable" | "draining" | "identity_unavailable")) => 503,
            (ErrorType::InvalidRequestError, _) => 400,
            (ErrorType::NotFound, _) => 404,
            (ErrorType::TooManyRequests, _) => 429,
            (ErrorType::ServerError | ErrorType::ModelError, _) => 500,
        }
    }

    /// The standard's error object.
    pub fn payload(&self) -> Value {
        json!({
            "type": self.error_type.name(), "code": self.code, "message": self.message, "param": self.param,
        })
    }

    /// The error object as a WebSocket wants it, where a code is required: the type stands in for a missing one.
    pub(crate) fn coded_payload(&self) -> Value {
        let mut payload = self.payload();
        if self.code.is_none() {
            payload["code"] = self.error_type.name().into();
        }
        payload
    }

    /// The body of an HTTP answer.
    pub fn http_body(&self) -> String {
        json!({ "error": self.payload() }).to_string()
    }

    /// The message on a WebSocket; in a lane it echoes the lane's `stream_id`.
    pub fn websocket_message(&self, stream_id: Option<&str>) -> String {
        let mut error = json!({ "type": "error", "status": self.status(), "error": self.coded_payload() });
        if let Some(stream_id) = stream_id {
            error["stream_id"] = stream_id.into();
        }
        error.to_string()
    }
}
