//! The conversation: a string, or items.

use serde_json::Value;

use super::{
    content::{
        ASSISTANT_PARTS, OUTPUT_PARTS, REASONING_PARTS, SUMMARY_PARTS, SYSTEM_PARTS, USER_PARTS,
        check_content, check_parts,
    },
    node::{MAX_NAME, MAX_TEXT, Node, Result},
};
use crate::{Item, Role};

/// The kinds of items that a client may send.
const KINDS: [&str; 6] =
    ["message", "function_call", "function_call_output", "reasoning", "compaction", "item_reference"];

const STATUSES: [&str; 3] = ["in_progress", "completed", "incomplete"];

/// Checks the conversation without taking it.
pub(crate) fn check_input(input: &Node<'_, '_>) -> Result<()> {
    match input.value {
        Value::String(_) => input.text().map(drop),
        Value::Array(_) => input.elements()?.try_for_each(|item| check_item(&item)),
        _ => Err(input.wrong_type("a string or an array")),
    }
}

/// The items of a conversation that [`check_input`] found right. A string is a user's message.
pub(crate) fn into_items(input: Value) -> Vec<Item> {
    let item = |value| match value {
        Value::Object(members) => Some(Item(members)),
        _ => None,
    };
    match input {
        Value::String(text) => vec![Item::message(Role::User, text)],
        Value::Array(items) => items.into_iter().filter_map(item).collect(),
        _ => Vec::new(),
    }
}

fn check_item(item: &Node<'_, '_>) -> Result<()> {
    item.object()?;
    item.optional("id", |id| id.text())?;
    match kind(item)? {
        "message" => check_message(item),
        "function_call" => check_call(item),
        "function_call_output" => check_call_output(item),
        "reasoning" => check_reasoning(item),
        "compaction" => item.require("encrypted_content")?.text().map(drop),
        _ => item.require("id")?.filled(MAX_TEXT).map(drop),
    }
}

/// A message and a reference may go without a type.
fn kind(item: &Node<'_, '_>) -> Result<&'static str> {
    match item.get("type") {
        Some(kind) => kind.one_of(&KINDS),
        None if item.get("role").is_some() => Ok("message"),
        None if item.get("id").is_some() => Ok("item_reference"),
        None => item.require("type").map(|_| ""),
    }
}

pub(crate) fn check_message(item: &Node<'_, '_>) -> Result<()> {
    let parts: &[&str] = match item.require("role")?.one_of(&["user", "assistant", "system", "developer"])? {
        "user" => &USER_PARTS,
        "assistant" => &ASSISTANT_PARTS,
        _ => &SYSTEM_PARTS,
    };
    item.optional("status", |status| status.text())?;
    item.optional("phase", |phase| phase.one_of(&["commentary", "final_answer"]))?;
    check_content(&item.require("content")?, parts)
}

fn check_call(item: &Node<'_, '_>) -> Result<()> {
    item.require("call_id")?.filled(MAX_NAME)?;
    item.require("name")?.name()?;
    item.optional("status", |status| status.one_of(&STATUSES))?;
    item.require("arguments")?.text().map(drop)
}

fn check_call_output(item: &Node<'_, '_>) -> Result<()> {
    item.require("call_id")?.filled(MAX_NAME)?;
    item.optional("status", |status| status.one_of(&STATUSES))?;
    check_content(&item.require("output")?, &OUTPUT_PARTS)
}

fn check_reasoning(item: &Node<'_, '_>) -> Result<()> {
    check_parts(&item.require("summary")?, &SUMMARY_PARTS)?;
    item.optional("content", |content| check_parts(content, &REASONING_PARTS))?;
    item.optional("encrypted_content", |content| content.text()).map(drop)
}
