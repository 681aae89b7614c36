//! Browsers: which pages' scripts may call, and what they have to be told for it (the Fetch standard's CORS).
//!
//! A browser sends an `Origin` with every call of a script to another site, and with every WebSocket. One that is not allowed
//! is refused before anything is done, and not only kept from reading the answer.

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderValue, ORIGIN, VARY,
    },
};
use protocol::{ApiError, ErrorType};

use super::answer::{AnswerBody, empty};
use crate::listen::Client;

/// Which pages' scripts may call.
#[derive(Debug, Clone, Default)]
pub struct Origins(
    /// Each as a browser writes it: scheme, host, and port if it is not the usual one.
    pub Vec<String>,
);

/// What a call's `Origin` says.
pub(super) enum Caller {
    /// No browser, or a page of the same site.
    Own,
    /// A page that may call.
    Allowed(HeaderValue),
}

impl Origins {
    /// Who calls, or why it may not.
    ///
    /// A page that this machine serves to itself may call a gateway on it: that is somebody who develops.
    pub(super) fn check(&self, client: Client, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let Some(value) = headers.get(ORIGIN) else { return Ok(Caller::Own) };
        let origin = value.to_str().unwrap_or_default();
        let is_listed = self.0.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin));
        let at_home = client.address.is_loopback() && is_local(host_of(origin)) && is_local(host(headers));
        if is_listed || at_home {
            return Ok(Caller::Allowed(value.clone()));
        }
        let message =
            "Scripts of this page's origin may not call here. Its operator allows them with gateway.origins.";
        Err(ApiError::new(ErrorType::InvalidRequestError, "origin_not_allowed", message))
    }
}

/// Whether a browser asks if it may call, before it does.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    let has = |name| request.headers().contains_key(name);
    request.method() == Method::OPTIONS && has(ORIGIN) && has(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that.
pub(super) fn preflight(headers: &HeaderMap) -> Response<AnswerBody> {
    let mut response = empty(StatusCode::NO_CONTENT);
    let answer = response.headers_mut();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE"));
    // Official clients send many of their own.
    if let Some(wanted) = headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

impl Caller {
    /// Tells the browser that the page may read the answer.
    pub(super) fn tell(self, response: &mut Response<AnswerBody>) {
        let Self::Allowed(origin) = self else { return };
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(
                "x-request-id, retry-after, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, \
                 x-ratelimit-reset-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, \
                 x-ratelimit-reset-tokens",
            ),
        );
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
}

fn host(headers: &HeaderMap) -> Option<String> {
    host_of(&format!("http://{}", headers.get(HOST)?.to_str().ok()?))
}

fn host_of(origin: &str) -> Option<String> {
    origin.parse::<Uri>().ok()?.host().map(str::to_owned)
}

/// Whether a name can only mean this machine: a page that was lured here by a name of its own says that name.
fn is_local(host: Option<String>) -> bool {
    host.is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.eq_ignore_ascii_case("localhost")
            || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests;
