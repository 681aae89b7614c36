//! `POST /v1/chat/completions`: the same path, told in older words.

use std::sync::Arc;

use broker::Kind;
use hyper::{Request, body::Incoming};
use protocol::{ChatStream, Create};

use super::{
    answer::{self, Answer},
    body,
    responses::{error_of, final_resource, take_headers},
    sse::{Events, Told},
};
use crate::{
    Principal,
    admission::{OnLeave, Order},
    ending::unix_time,
    gateway::Shared,
};

/// Begins a response and tells it as a chat completion. Nothing can resume one, so it is cancelled when its client goes.
pub(super) async fn create(shared: &Arc<Shared>, principal: &Principal, request: Request<Incoming>) -> Answer {
    let headers = request.headers().clone();
    let bytes = body::read(request, shared.config.max_message_bytes).await?;
    let chat = protocol::chat_create(&bytes, shared.config.max_json_depth)?;
    let (stream, include_usage, model) = (chat.stream, chat.include_usage, chat.request.model.clone());
    let mut create = Create::new(chat.request);
    take_headers(&mut create, &headers)?;
    shared.metrics.count_request(if stream { "sse" } else { "http" });
    let order = Order { create, kind: Kind::Response, on_leave: OnLeave::Cancel, remembered: None };
    let accepted = shared.admit(principal, order).await?;
    if stream {
        let chat = ChatStream::new(accepted.id, unix_time(), &model, include_usage);
        return Ok(answer::events(Events::new(shared, accepted.cursor, Told::Chat(Box::new(chat)))));
    }
    let mut cursor = accepted.cursor;
    let resource = final_resource(&mut cursor).await?;
    match resource["status"].as_str() {
        Some("completed" | "incomplete") => Ok(answer::json(&protocol::chat_completion(&resource))),
        _ => Err(error_of(&resource)),
    }
}
