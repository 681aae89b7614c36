//! What came before: the conversation that a request continues.
//!
//! A response that is stored is found in the store, link by link, from any connection. One that is not (`store: false`)
//! lives on its connection alone, in a [`Memory`] of the latest few.

use std::{collections::VecDeque, sync::Arc};

use protocol::{ApiError, Item, StoredInput, View};
use serde_json::Value;
use stream::ResponseId;

use crate::{Principal, gateway::Shared};

/// The longest chain of responses that is followed back.
const MAX_LINKS: usize = 1000;

/// How many responses a connection remembers.
const MEMORY_RESPONSES: usize = 64;

/// How many bytes of conversation a connection remembers; the oldest are forgotten first.
const MEMORY_BYTES: usize = 4 * 1024 * 1024;

/// A conversation up to and including one response.
pub(crate) type Conversation = Arc<Vec<Item>>;

/// The conversations that one connection can continue without the store.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    entries: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: ResponseId,
    /// As JSON: its items in memory take ten times as much, and most are not asked for again.
    conversation: Box<[u8]>,
}

impl Memory {
    /// The conversation that ends with response `id`.
    pub(crate) fn get(&self, id: &str) -> Option<Conversation> {
        let id = id.parse().ok()?;
        let entry = self.entries.iter().find(|entry| entry.id == id)?;
        serde_json::from_slice(&entry.conversation).map(Arc::new).ok()
    }

    /// Remembers a conversation; what is too much is forgotten, the oldest first.
    pub(crate) fn put(&mut self, id: ResponseId, conversation: &[Item]) {
        self.remove(id);
        let Ok(conversation) = serde_json::to_vec(conversation) else { return };
        let conversation = conversation.into_boxed_slice();
        self.bytes += conversation.len();
        self.entries.reserve_exact(1);
        self.entries.push_back(Entry { id, conversation });
        while self.entries.len() > MEMORY_RESPONSES || (self.bytes > MEMORY_BYTES && self.entries.len() > 1) {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.conversation.len();
            }
        }
    }

    /// Forgets a response: a turn that continued it has failed.
    pub(crate) fn remove(&mut self, id: ResponseId) {
        if let Some(at) = self.entries.iter().position(|entry| entry.id == id)
            && let Some(entry) = self.entries.remove(at)
        {
            self.bytes -= entry.conversation.len();
        }
    }
}

/// The conversation up to and including the stored response `id`.
pub(crate) async fn load(shared: &Shared, principal: &Principal, id: &str) -> Result<Conversation, ApiError> {
    shared.check_conversations_are_kept(id)?;
    let not_found = || ApiError::previous_response_not_found(id);
    let mut links = Vec::new();
    let mut next = Some(id.to_owned());
    while let Some(link) = next {
        if links.len() == MAX_LINKS {
            let message = format!(
                "The conversation is longer than {MAX_LINKS} responses: start a new one from its compaction."
            );
            return Err(ApiError::invalid("previous_response_id", "conversation_too_long", message));
        }
        let (input, response) = read_link(shared, principal, &link).await?.ok_or_else(not_found)?;
        next = input.previous_response_id.clone();
        links.push((input, response));
    }
    let mut conversation = Vec::new();
    for (input, response) in links.into_iter().rev() {
        conversation.extend(input.input);
        conversation.extend(output_items(&response));
    }
    Ok(Arc::new(conversation))
}

async fn read_link(
    shared: &Shared,
    principal: &Principal,
    id: &str,
) -> Result<Option<(StoredInput, Value)>, ApiError> {
    let Ok(response_id) = id.parse::<ResponseId>() else { return Ok(None) };
    let key = StoredInput::key(response_id);
    let (input, response) =
        tokio::join!(shared.broker.store.get(&key), shared.read_response(principal, response_id));
    let (Some(input), Some(response)) = (input.map_err(unavailable)?, response?) else { return Ok(None) };
    let input: StoredInput = serde_json::from_slice(&input).map_err(unreadable)?;
    if !principal.owns(&input.tenant, &input.user) {
        return Ok(None);
    }
    if matches!(response["status"].as_str(), Some("queued" | "in_progress")) {
        let message =
            format!("Previous response with id '{id}' has not ended yet. Wait for its end, or cancel it.");
        return Err(ApiError::invalid("previous_response_id", "previous_response_in_progress", message));
    }
    Ok(Some((input, response)))
}

/// What a response said, as input of the next one.
pub(crate) fn output_items(response: &Value) -> Vec<Item> {
    let items = response.get("output").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_object().cloned().map(Item)).collect()
}

/// Puts the items that `input` refers to by their ids in the place of the references.
pub(crate) fn resolve_references(conversation: &[Item], input: Vec<Item>) -> Result<Vec<Item>, ApiError> {
    let find = |id: &str| conversation.iter().find(|item| item.id() == Some(id)).cloned();
    let resolve = |(at, item): (usize, Item)| match item.view() {
        Some(View::Reference { id }) => find(id).ok_or_else(|| {
            ApiError::invalid(
                format!("input[{at}].id"),
                "item_not_found",
                format!("Item with id '{id}' was not found."),
            )
        }),
        _ => Ok(item),
    };
    input.into_iter().enumerate().map(resolve).collect()
}

/// The broker, or the store, cannot be reached.
pub(crate) fn unavailable(error: broker::Error) -> ApiError {
    tracing::warn!(%error, "failed to use the broker");
    if error.is_retryable() {
        ApiError::server(
            "broker_unavailable",
            "The service is not available at the moment. Try again in a few seconds.",
        )
    } else {
        ApiError::server("internal_error", "The request could not be handled.")
    }
}

fn unreadable(error: serde_json::Error) -> ApiError {
    tracing::error!(%error, "failed to read a record of the store");
    ApiError::server("internal_error", "The request could not be handled.")
}

#[cfg(test)]
mod tests;
