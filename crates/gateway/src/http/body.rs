//! Reading a request's body, never more of it than is allowed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::{
    HeaderMap, Request,
    body::{Body as _, Incoming},
    header::{CONTENT_LENGTH, EXPECT},
};
use protocol::{ApiError, ErrorType};

use crate::gateway::Shared;

/// A body that takes longer than this to arrive is not waited for.
const MAX_TIME: Duration = Duration::from_secs(30);

/// For so long a body that is not wanted is taken in.
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// The whole body, if it is not longer than allowed.
pub(crate) async fn read(shared: &Shared, request: Request<Incoming>) -> Result<Bytes, ApiError> {
    let (head, mut body) = request.into_parts();
    let collected = collect(&head.headers, &mut body, shared.config.max_message_bytes).await;
    if collected.is_err() {
        discard(shared, &head.headers, body);
    }
    collected
}

async fn collect(headers: &HeaderMap, body: &mut Incoming, max_bytes: usize) -> Result<Bytes, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(too_large(max_bytes));
    }
    let body = Limited::new(body, max_bytes).collect();
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

/// Takes in what is left of a body, unseen, while the request is answered. A connection that is closed on a client that still
/// sends is reset, and the answer is lost with it; and one whose body was left unread cannot be used again.
pub(crate) fn discard(shared: &Shared, headers: &HeaderMap, mut body: Incoming) {
    // A client that asked first sends nothing if it is not told to, and to read would be to tell it.
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return;
    }
    shared.tasks.spawn(async move {
        let rest = async { while let Some(Ok(_)) = body.frame().await {} };
        let _ = tokio::time::timeout(DISCARD_TIME, rest).await;
    });
}

/// What is said to a client that sends more than it may.
pub(crate) fn too_large(max_bytes: usize) -> ApiError {
    ApiError::new(
        ErrorType::InvalidRequestError,
        "request_too_large",
        format!("The request is larger than {max_bytes} bytes."),
    )
}
