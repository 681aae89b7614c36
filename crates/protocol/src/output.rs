//! Output items in the standard's form, as the worker tells them.

use serde_json::{Value, json};
use stream::{ItemKind, ResponseId};

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemStatus {
    /// The model is at it.
    InProgress,
    /// It is whole.
    Completed,
    /// It was cut off.
    Incomplete,
}

impl ItemStatus {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What the assistant says; `content` is made of parts (see [`Place::part`](crate::Place::part)).
pub fn message_item(
    response: ResponseId,
    output_index: u32,
    status: ItemStatus,
    content: Vec<Value>,
) -> Value {
    json!({
        "type": "message",
        "id": response.item_id(ItemKind::Message, output_index),
        "status": status.name(),
        "role": "assistant",
        "content": content,
    })
}

/// A call of a function; the `arguments` are JSON as the model wrote it.
pub fn function_call_item(
    response: ResponseId,
    output_index: u32,
    status: ItemStatus,
    call_id: &str,
    name: &str,
    arguments: &str,
) -> Value {
    json!({
        "type": "function_call",
        "id": response.item_id(ItemKind::FunctionCall, output_index),
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": status.name(),
    })
}

/// What the model thought: `content` in its own words, `summary` in short. The status is our addition; the official SDKs
/// know it.
pub fn reasoning_item(
    response: ResponseId,
    output_index: u32,
    status: ItemStatus,
    content: Vec<Value>,
    summary: Vec<Value>,
) -> Value {
    json!({
        "type": "reasoning",
        "id": response.item_id(ItemKind::Reasoning, output_index),
        "status": status.name(),
        "content": content,
        "summary": summary,
    })
}

/// A shortened conversation; `encrypted_content` is what [`compaction::encode`](crate::compaction::encode) made.
pub fn compaction_item(response: ResponseId, output_index: u32, encrypted_content: &str) -> Value {
    json!({
        "type": "compaction",
        "id": response.item_id(ItemKind::Compaction, output_index),
        "encrypted_content": encrypted_content,
    })
}
