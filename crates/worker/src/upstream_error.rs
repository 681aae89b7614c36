//! What a client is told of a model server's failure, and how long to wait before the next try.

use std::time::Duration;

use engine::{Error, Fault};
use protocol::{ApiError, ErrorType};

/// The longest wait before the next try, whatever the server asks for.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// The failure in the standard's terms. The engine has seen to it that the message tells no address and no secret.
pub(crate) fn for_client(error: &Error) -> ApiError {
    let (error_type, code) = match error.fault {
        Fault::Refused => (ErrorType::InvalidRequestError, "upstream_refused"),
        Fault::Busy { .. } => (ErrorType::TooManyRequests, "upstream_busy"),
        Fault::Unreachable => (ErrorType::ModelError, "upstream_unreachable"),
        Fault::Failed => (ErrorType::ModelError, "upstream_error"),
        Fault::Unauthorized => (ErrorType::ServerError, "upstream_unauthorized"),
        Fault::Timeout(_) => (ErrorType::ModelError, "upstream_timeout"),
        Fault::Garbled => (ErrorType::ModelError, "upstream_garbled"),
    };
    let code = error.code.as_deref().unwrap_or(code);
    ApiError { param: error.param.clone(), ..ApiError::new(error_type, code, error.message.clone()) }
}

/// The kind of fault, as a label.
pub(crate) const fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Refused => "refused",
        Fault::Busy { .. } => "busy",
        Fault::Unreachable => "unreachable",
        Fault::Failed => "failed",
        Fault::Unauthorized => "unauthorized",
        Fault::Timeout(_) => "timeout",
        Fault::Garbled => "garbled",
    }
}

/// How long to wait before try `attempt + 1`: as the server said, else doubling from 100 ms.
pub(crate) fn pause(error: &Error, attempt: usize) -> Duration {
    let own = Duration::from_millis(100 << attempt.min(6));
    let asked = match error.fault {
        Fault::Busy { retry_after } => retry_after,
        _ => None,
    };
    asked.unwrap_or(own).min(MAX_PAUSE)
}
