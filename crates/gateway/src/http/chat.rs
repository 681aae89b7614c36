//! `POST /v1/chat/completions`: the same path, told in older words.

use std::sync::Arc;

use broker::Kind;
use hyper::{Request, body::Incoming};
use protocol::{ChatCreate, ChatStream, Create};

use super::{
    answer::{self, Answer},
    body,
    responses::take_headers,
    sse::{Events, Told},
};
use crate::{
    Principal,
    admission::{OnLeave, Order},
    ending::unix_time,
    gateway::Shared,
};

/// Begins a response and tells it as a chat completion. Nothing can resume one, so it is cancelled when its client goes.
pub(super) async fn create(
    shared: &Arc<Shared>,
    principal: &Principal,
    request: Request<Incoming>,
) -> Answer {
    let headers = request.headers().clone();
    let bytes = body::read(shared, request).await?;
    let chat = protocol::chat_create(&bytes, shared.config.max_json_depth)?;
    let (stream, include_usage, model) = (chat.stream, chat.include_usage, chat.request.model.clone());
    let ChatCreate { request, idempotency_key, trace, .. } = chat;
    let mut create = Create { idempotency_key, trace, ..Create::new(request) };
    take_headers(&mut create, &headers)?;
    let transport = if stream { "sse" } else { "http" };
    shared.metrics.count_request(transport);
    let order =
        Order { create, kind: Kind::Response, on_leave: OnLeave::Cancel, remembered: None, transport };
    let accepted = shared.admit(principal, order).await?;
    if stream {
        let chat = ChatStream::new(accepted.id, unix_time(), &model, include_usage);
        let told = Told::Chat(Box::new(chat));
        return Ok(answer::events(Events::new(shared, accepted.cursor, told, Some(accepted.begun))));
    }
    let ended = shared.whole(accepted.cursor, accepted.begun).await?;
    match ended.resource["status"].as_str() {
        Some("completed" | "incomplete") => Ok(answer::json(&protocol::chat_completion(&ended.resource))),
        _ => Err(ended.into_error()),
    }
}
