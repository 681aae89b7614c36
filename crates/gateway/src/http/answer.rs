//! Answers over HTTP.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
    },
};
use protocol::{ApiError, Rate, Rates, SSE_DONE};
use serde_json::Value;

use crate::limit::Seat;

/// The body of an answer: whole, or a stream of events.
pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, Infallible>;

/// What a handler returns.
pub(crate) type Answer = Result<Response<AnswerBody>, ApiError>;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

const X_RATELIMIT_REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const X_RATELIMIT_TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// A JSON answer.
pub(crate) fn json(value: &Value) -> Response<AnswerBody> {
    text(StatusCode::OK, value.to_string())
}

/// The standard's error, with the headers that tell the official clients whether to try again.
pub(crate) fn error(error: &ApiError) -> Response<AnswerBody> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = text(status, error.http_body());
    let headers = response.headers_mut();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let wait = error.limited.as_ref().and_then(|limited| limited.retry_after);
        let seconds = wait.map_or(1, |wait| wait.as_secs_f64().ceil() as u64);
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let Some(limited) = &error.limited {
        put_rates(headers, &limited.rates);
    }
    if let Some(challenge) = challenge(status, error) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if status == StatusCode::CONFLICT {
        // The official clients try a 409 again by themselves; this one would never succeed.
        headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}

/// How to come in (RFC 6750, section 3): nothing more than that to who showed nothing.
fn challenge(status: StatusCode, error: &ApiError) -> Option<&'static str> {
    match (status, error.code.as_deref()) {
        (StatusCode::UNAUTHORIZED, Some("missing_credentials")) => Some("Bearer"),
        (StatusCode::UNAUTHORIZED, _) => Some("Bearer error=\"invalid_token\""),
        (StatusCode::FORBIDDEN, _) => Some("Bearer error=\"insufficient_scope\""),
        _ => None,
    }
}

/// An answer that is a stream of Server-Sent Events.
pub(crate) fn events<B>(body: B) -> Response<AnswerBody>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let mut response = Response::new(body.boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would gather the events otherwise.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// The end of a stream that has nothing more to tell.
pub(crate) fn no_events() -> Response<AnswerBody> {
    events(Full::new(Bytes::from_static(SSE_DONE.as_bytes())))
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<AnswerBody> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A name for one request, for clients to tell and logs to find.
pub(crate) fn request_id() -> String {
    let bits = stream::ResponseId::random(0).random_bits();
    format!("req_{bits:032x}")
}

/// Puts the request's name on its answer.
pub(crate) fn name(response: &mut Response<AnswerBody>, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
}

/// Tells what is left of the caller's limits, by the headers that OpenAI's clients know.
pub(crate) fn tell_rates(response: &mut Response<AnswerBody>, rates: &Rates) {
    put_rates(response.headers_mut(), rates);
}

fn put_rates(headers: &mut HeaderMap, rates: &Rates) {
    for (rate, names) in [(rates.requests, &X_RATELIMIT_REQUESTS), (rates.tokens, &X_RATELIMIT_TOKENS)] {
        let Some(Rate { limit, remaining, reset }) = rate else { continue };
        let [limit_name, remaining_name, reset_name] = names;
        headers.insert(limit_name, limit.into());
        headers.insert(remaining_name, remaining.into());
        if let Ok(reset) = HeaderValue::try_from(format!("{}s", reset.as_secs_f64().ceil())) {
            headers.insert(reset_name, reset);
        }
    }
}

/// Keeps a request's seat until the answer is told to its end, or nobody listens any more.
pub(crate) fn seated(response: Response<AnswerBody>, seat: Arc<Seat>) -> Response<AnswerBody> {
    response.map(|body| Seated { body, _seat: seat }.boxed_unsync())
}

/// An answer that takes a seat.
struct Seated {
    body: AnswerBody,
    _seat: Arc<Seat>,
}

impl Body for Seated {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Lets the connection end with this answer.
pub(crate) fn close(response: &mut Response<AnswerBody>) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

fn text(status: StatusCode, body: String) -> Response<AnswerBody> {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
