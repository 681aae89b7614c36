//! From an HTTP request to a WebSocket: over HTTP/1.1 (RFC 6455) and HTTP/2 (RFC 8441).

use std::sync::Arc;

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    ext::Protocol,
    header::{
        CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
    upgrade::OnUpgrade,
};
use protocol::{
    ApiError, ErrorType,
    session::{Encoding, signing::Binding},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use trace::{Span, TraceContext, key};

use super::{
    connection::Connection,
    session::{Extension, Manners},
};
use crate::{
    Principal,
    gateway::Shared,
    http::{Answer, AnswerBody, dialect_of, shown_text, subprotocols, token_of, trace_of},
    limit::Seat,
};

/// Whether the request asks for a WebSocket.
pub(crate) fn is_upgrade(request: &Request<Incoming>) -> bool {
    is_extended_connect(request)
        || (request.method() == Method::GET
            && names(request, &UPGRADE, "websocket")
            && names(request, &CONNECTION, "upgrade"))
}

fn is_extended_connect(request: &Request<Incoming>) -> bool {
    request.method() == Method::CONNECT
        && request.extensions().get::<Protocol>().is_some_and(|protocol| protocol.as_str() == "websocket")
}

/// Whether a list of tokens in a header has this one.
fn names(request: &Request<Incoming>, header: &HeaderName, token: &str) -> bool {
    let values = request.headers().get_all(header).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// Accepts the upgrade, and lets the connection live in a task of its own.
pub(crate) fn upgrade(
    shared: &Arc<Shared>,
    principal: Principal,
    seat: Arc<Seat>,
    mut request: Request<Incoming>,
) -> Answer {
    if shared.drain.is_cancelled() {
        return Err(ApiError::server(
            "draining",
            "This gateway is about to stop. Connect again: another one will answer.",
        ));
    }
    if request.headers().get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version != "13") {
        return Err(bad_handshake("Only version 13 of the WebSocket protocol is spoken here."));
    }
    let mut response = accept(&request)?;
    let subprotocol = choose_subprotocol(request.headers());
    if let Some(name) = subprotocol.and_then(|name| HeaderValue::from_str(name).ok()) {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    let extension = subprotocol.and_then(Encoding::of_subprotocol).map(|encoding| {
        // It was found good; that there are not several was seen then.
        let binding = Binding::to(shown_text(request.headers()).ok().flatten().unwrap_or_default());
        Box::new(Extension { encoding, binding })
    });
    let manners = Manners { dialect: dialect_of(request.headers()), extension };
    let client = trace_of(request.headers());
    let mut span = shared.config.tracer.span(trace::Kind::Server, "upgrade", client.as_ref());
    span.set(key::TRANSPORT, "websocket");
    let upgraded = hyper::upgrade::on(&mut request);
    let client = Client { principal, seat, manners, trace: client };
    // Boxes: what a task is in the meantime it is as large as for ever, and most of its time it waits.
    let opening = Box::pin(open(Arc::clone(shared), client, span, upgraded));
    shared.sockets.spawn(async move {
        if let Some(mut connection) = opening.await {
            connection.run().await;
        }
    });
    Ok(response)
}

/// Who wants a WebSocket, and how.
struct Client {
    principal: Principal,
    seat: Arc<Seat>,
    manners: Manners,
    trace: Option<TraceContext>,
}

/// `None` if the client has left.
async fn open(
    shared: Arc<Shared>,
    client: Client,
    mut span: Span,
    upgraded: OnUpgrade,
) -> Option<Box<Connection>> {
    let Client { principal, seat, manners, trace } = client;
    match upgraded.await {
        Ok(io) => Some(Box::new(Connection::new(shared, principal, seat, manners, trace, io))),
        Err(error) => {
            span.fail("client_left");
            tracing::debug!(%error, "a client left during the upgrade");
            None
        }
    }
}

fn accept(request: &Request<Incoming>) -> Result<Response<AnswerBody>, ApiError> {
    if is_extended_connect(request) {
        return Ok(crate::http::empty(StatusCode::OK));
    }
    let key = request
        .headers()
        .get(SEC_WEBSOCKET_KEY)
        .ok_or_else(|| bad_handshake("The header Sec-WebSocket-Key is missing."))?;
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| bad_handshake("The header Sec-WebSocket-Key is malformed."))?;
    let mut response = crate::http::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// The subprotocol to speak: the first that the client offers and that is known here.
///
/// A browser breaks off if none of those that it offers is chosen. So if there is nothing else, it is the one that is a token
/// itself, though that puts it into the answer.
fn choose_subprotocol(headers: &HeaderMap) -> Option<&str> {
    let is_known = |name: &&str| *name == "realtime" || Encoding::of_subprotocol(name).is_some();
    let known = subprotocols(headers).find(is_known);
    known.or_else(|| subprotocols(headers).find(|name| token_of(name).is_some()))
}

fn bad_handshake(message: &str) -> ApiError {
    ApiError::new(ErrorType::InvalidRequestError, "invalid_handshake", message)
}
