//! The HTTP surface: from a path to its handler, and from a result to an answer.

mod answer;
mod body;
mod chat;
mod client_secrets;
mod credential;
mod models;
mod origin;
mod query;
mod responses;
mod sse;
mod stored;

use std::{convert::Infallible, sync::Arc};

use hyper::{Method, Request, Response, body::Incoming, http::request::Parts};
use identity::{Credential, Refusal};
use percent_encoding::percent_decode_str;
use protocol::{ApiError, ErrorType};

pub(crate) use answer::{Answer, AnswerBody, empty};
pub(crate) use body::too_large;
pub(crate) use credential::{shown_text, subprotocols, token_of};
pub use origin::Origins;
pub(crate) use responses::{dialect_of, trace_of};

use crate::{
    Principal,
    gateway::Shared,
    limit::Seat,
    listen::{Client, Peer},
    principal::refused,
    ws,
};

/// Answers one request. Never fails: an error is an answer.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let id = answer::request_id();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let client = shared.config.proxies.client(&peer, request.headers());
    let admitted = admit(&shared, &peer, client, &request);
    let (caller, result) = match admitted {
        Ok((caller, _)) if origin::is_preflight(&request) => {
            (Some(caller), Ok(origin::preflight(request.headers())))
        }
        Ok((caller, seat)) => (Some(caller), route(&shared, seat, request).await),
        Err(error) => (None, Err(error)),
    };
    let mut response = result.unwrap_or_else(|error| {
        if shared.log_refusal() {
            tracing::info!(request = id, client = %client.address, %method, path, status = error.status(), code = error.code, message = error.message, "request refused");
        }
        shared.metrics.count_error("http", &error);
        answer::error(&error)
    });
    answer::name(&mut response, &id);
    if let Some(caller) = caller {
        caller.tell(&mut response);
    }
    if peer.refusal.is_some() {
        answer::close(&mut response);
    }
    Ok(response)
}

/// What can be told before anything is asked for: whether the connection is private, whether the page may call that does, and
/// whether there is room. The request's seat comes along: a proxy's connections tell nothing of its clients, so there each request
/// counts as one, until it is answered whole.
fn admit(
    shared: &Shared,
    peer: &Peer,
    client: Client,
    request: &Request<Incoming>,
) -> Result<(origin::Caller, Arc<Seat>), ApiError> {
    if let Some(refusal) = &peer.refusal {
        return Err(refusal.clone());
    }
    if !client.is_private && !shared.config.allow_plain {
        return Err(https_required());
    }
    let caller = shared.config.origins.check(client, request.headers())?;
    let seat = match client.is_behind_proxy {
        true => Arc::new(shared.crowd.admit(client.address)?),
        false => Arc::clone(&peer.seat),
    };
    Ok((caller, seat))
}

/// Whoever can read along could take over the key and the answers.
fn https_required() -> ApiError {
    let message = "This connection is not encrypted. Use https:// (or wss://); behind a proxy, the proxy has to say so.";
    ApiError::new(ErrorType::InvalidRequestError, "https_required", message)
}

async fn route(shared: &Arc<Shared>, seat: Arc<Seat>, request: Request<Incoming>) -> Answer {
    // Before the body is read, and before anything is told about what there is.
    let principal = match identify(shared, credential::shown(request.uri(), request.headers())).await {
        Ok(principal) => principal,
        Err(error) => {
            let (head, body) = request.into_parts();
            body::discard(shared, &head.headers, body);
            return Err(error);
        }
    };
    let segments: Vec<&str> = segments(request.uri().path());
    let answered = match (request.method(), segments.as_slice()) {
        (_, ["v1", "responses"]) if ws::is_upgrade(&request) => {
            shared.pressure.check()?;
            return ws::upgrade(shared, principal, seat, request);
        }
        (&Method::POST, ["v1", "responses"]) => responses::create(shared, &principal, request).await,
        (&Method::POST, ["v1", "responses", "compact"]) => {
            responses::compact(shared, &principal, request).await
        }
        (&Method::POST, ["v1", "chat", "completions"]) => chat::create(shared, &principal, request).await,
        (&Method::POST, ["v1", "client_secrets"]) => {
            client_secrets::create(shared, &principal, request).await
        }
        _ => {
            let (head, body) = request.into_parts();
            body::discard(shared, &head.headers, body);
            route_head(shared, &principal, &head).await
        }
    };
    answered.map(|answer| answer::seated(answer, seat))
}

/// Who shows this credential. Where nobody is asked, nothing that is shown can be wrong.
async fn identify(
    shared: &Shared,
    shown: Result<Option<Credential>, Refusal>,
) -> Result<Principal, ApiError> {
    let shown = if shared.authenticator.is_open() { None } else { shown.map_err(refused)? };
    shared.authenticator.authenticate(shown.as_ref()).await.map(Principal::new).map_err(refused)
}

/// What is asked without a body.
async fn route_head(shared: &Arc<Shared>, principal: &Principal, head: &Parts) -> Answer {
    let (method, path) = (&head.method, head.uri.path());
    match (method, segments(path).as_slice()) {
        (&Method::GET, ["v1", "responses", id]) => stored::get(shared, principal, id, head).await,
        (&Method::DELETE, ["v1", "responses", id]) => stored::delete(shared, principal, id).await,
        (&Method::POST, ["v1", "responses", id, "cancel"]) => stored::cancel(shared, principal, id).await,
        (&Method::GET, ["v1", "responses", id, "input_items"]) => {
            stored::input_items(shared, principal, id, head.uri.query()).await
        }
        (&Method::GET, ["v1", "models"]) => models::list(shared, principal).await,
        (&Method::GET, ["v1", "models", name @ ..]) => {
            // Many names have slashes. Some clients send them as they are, the official ones as %2F.
            let name = name.join("/");
            models::get(shared, principal, &percent_decode_str(&name).decode_utf8_lossy()).await
        }
        (&Method::GET, ["v1", "responses"]) => Err(ApiError::new(
            ErrorType::InvalidRequestError,
            "upgrade_required",
            "GET /v1/responses is for WebSocket: send an upgrade, or use POST.",
        )),
        (_, known) if is_known(known) => Err(ApiError::new(
            ErrorType::InvalidRequestError,
            "method_not_allowed",
            format!("{method} is not a method of {path}."),
        )),
        _ => Err(ApiError::new(
            ErrorType::NotFound,
            "unknown_url",
            format!("There is nothing at {method} {path}."),
        )),
    }
}

fn segments(path: &str) -> Vec<&str> {
    path.trim_matches('/').split('/').collect()
}

fn is_known(segments: &[&str]) -> bool {
    match segments {
        ["v1", "responses" | "models" | "client_secrets"]
        | ["v1", "models", ..]
        | ["v1", "responses", "compact"]
        | ["v1", "responses", _, "cancel" | "input_items"]
        | ["v1", "chat", "completions"] => true,
        // Anything else there that is no id is a part of the API that is not served here.
        ["v1", "responses", id] => id.parse::<stream::ResponseId>().is_ok(),
        _ => false,
    }
}
