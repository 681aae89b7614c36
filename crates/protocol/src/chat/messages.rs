//! The messages of a Chat Completions request as items.
//!
//! A message of the assistant that thinks, speaks and calls becomes several items, in that order. Members that Open
//! Responses has no name for (`name`, a vendor's own) stay on the item as they were sent.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::parts;
use crate::{
    Item,
    parse::node::{MAX_TEXT, Node, Result},
};

/// Where a vendor's API puts what the model thought.
const REASONING: [&str; 2] = ["reasoning_content", "reasoning"];

/// What the official SDKs add to an answer for their own use.
const PARSED: [&str; 1] = ["parsed"];

/// The items that `messages` amount to.
pub(super) fn items(messages: &Node<'_, '_>) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut calls = HashSet::new();
    for message in messages.elements()? {
        let roles = ["system", "developer", "user", "assistant", "tool"];
        match message.require("role")?.one_of(&roles)? {
            "assistant" => assistant(&message, &mut items, &mut calls)?,
            "tool" => items.push(tool(&message, &calls)?),
            role => items.push(said(&message, role)?),
        }
    }
    if items.is_empty() { Err(messages.empty("array")) } else { Ok(items) }
}

/// What the application or the user says.
fn said(message: &Node<'_, '_>, role: &str) -> Result<Item> {
    let kinds = if role == "user" { &parts::USER[..] } else { &parts::SYSTEM };
    let content = parts::content(&message.require("content")?, kinds)?;
    Ok(item(
        message,
        &["role", "content"],
        [("type", "message".into()), ("role", role.into()), ("content", content)],
    ))
}

/// What a function returned.
fn tool<'v>(message: &Node<'_, 'v>, calls: &HashSet<&'v str>) -> Result<Item> {
    let id = message.require("tool_call_id")?;
    let call_id = id.filled(MAX_TEXT)?;
    if !calls.contains(call_id) {
        let error = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
        return Err(id.error("invalid_value", error));
    }
    let output = parts::content(&message.require("content")?, &parts::TOOL)?;
    let members = [("type", "function_call_output".into()), ("call_id", call_id.into()), ("output", output)];
    Ok(item(message, &["role", "tool_call_id", "content"], members))
}

/// What the model thought, said and called.
fn assistant<'v>(message: &Node<'_, 'v>, items: &mut Vec<Item>, calls: &mut HashSet<&'v str>) -> Result<()> {
    if let Some(call) = message.get("function_call") {
        return Err(call.unsupported("It is deprecated: use 'tool_calls' instead."));
    }
    if let Some(reasoning) = REASONING.iter().find_map(|name| message.get(name)) {
        let text = reasoning.text()?;
        if !text.is_empty() {
            items.push(reasoning_item(text));
        }
    }
    let mut called = Vec::new();
    if let Some(list) = message.get("tool_calls") {
        for call in list.elements()? {
            called.push(function_call(&call, calls)?);
        }
    }
    let content = assistant_content(message)?;
    let says_nothing = content.as_ref().is_none_or(|content| content.as_str() == Some(""));
    let known = [&["role", "content", "refusal", "tool_calls"][..], &REASONING, &PARSED].concat();
    let has_more = message.members()?.any(|(name, member)| {
        !known.contains(&name) && !member.value.is_null() && member.value != &Value::Array(Vec::new())
    });
    if !says_nothing || has_more || (called.is_empty() && content.is_some()) {
        let content = content.unwrap_or_else(|| "".into());
        let members = [("type", "message".into()), ("role", "assistant".into()), ("content", content)];
        items.push(item(message, &known, members));
    } else if called.is_empty() {
        return Err(message
            .require("content")
            .map_or_else(|missing| missing, |content| content.wrong_type("a string")));
    }
    items.append(&mut called);
    Ok(())
}

/// Text, or parts where there are any, or a refusal.
fn assistant_content(message: &Node<'_, '_>) -> Result<Option<Value>> {
    let content = message.optional("content", |content| parts::content(content, &parts::ASSISTANT))?;
    let Some(refusal) = message.get("refusal") else { return Ok(content) };
    let refusal = json!({ "type": "refusal", "refusal": refusal.text()? });
    Ok(Some(match content {
        Some(Value::Array(mut parts)) => {
            parts.push(refusal);
            parts.into()
        }
        Some(Value::String(text)) if !text.is_empty() => {
            json!([{ "type": "output_text", "text": text }, refusal])
        }
        _ => json!([refusal]),
    }))
}

fn function_call<'v>(call: &Node<'_, 'v>, calls: &mut HashSet<&'v str>) -> Result<Item> {
    call.object()?;
    call.optional("type", |kind| kind.one_of(&["function"]))?;
    let id = call.require("id")?.filled(MAX_TEXT)?;
    let function = call.require("function")?;
    function.only(&["name", "arguments", "parsed_arguments"])?;
    let members = [
        ("type", "function_call".into()),
        ("call_id", id.into()),
        ("name", function.require("name")?.filled(MAX_TEXT)?.into()),
        ("arguments", function.require("arguments")?.text()?.into()),
    ];
    calls.insert(id);
    Ok(item(call, &["id", "type", "index", "function"], members))
}

fn reasoning_item(text: &str) -> Item {
    let content = json!([{ "type": "reasoning_text", "text": text }]);
    let members = [("type", "reasoning".into()), ("summary", json!([])), ("content", content)];
    Item(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// An item of `members`, and whatever else `message` has that is not `known`.
fn item<const N: usize>(message: &Node<'_, '_>, known: &[&str], members: [(&str, Value); N]) -> Item {
    let mut item: Map<String, Value> =
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value) in message.value.as_object().into_iter().flatten() {
        if !known.contains(&name.as_str()) && !value.is_null() && !item.contains_key(name) {
            item.insert(name.clone(), value.clone());
        }
    }
    Item(item)
}
