//! Reading a request's body, never more of it than is allowed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{Request, body::Incoming, header::CONTENT_LENGTH};
use protocol::{ApiError, ErrorType};

/// A body that takes longer than this to arrive is not waited for.
const MAX_TIME: Duration = Duration::from_secs(30);

/// The whole body, if it has at most `max_bytes`.
pub(crate) async fn read(request: Request<Incoming>, max_bytes: usize) -> Result<Bytes, ApiError> {
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(too_large(max_bytes));
    }
    let body = Limited::new(request.into_body(), max_bytes).collect();
    match tokio::time::timeout(MAX_TIME, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(max_bytes)),
        Ok(Err(_)) => Err(ApiError::new(
            ErrorType::InvalidRequestError,
            "incomplete_body",
            "The request's body broke off.",
        )),
        Err(_) => Err(ApiError::new(
            ErrorType::InvalidRequestError,
            "request_timeout",
            format!("The request's body did not arrive within {} seconds.", MAX_TIME.as_secs()),
        )),
    }
}

/// What is said to a client that sends more than it may.
pub(crate) fn too_large(max_bytes: usize) -> ApiError {
    ApiError::new(
        ErrorType::InvalidRequestError,
        "request_too_large",
        format!("The request is larger than {max_bytes} bytes."),
    )
}
