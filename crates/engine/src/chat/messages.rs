//! A conversation of items as a list of messages.
//!
//! The rules, where there is a choice:
//!
//! - `instructions` are the first system message. System and developer messages that follow at once become part of it, as
//!   paragraphs: many models' templates allow one system message, at the beginning. `developer` is `system`, which all
//!   servers know.
//! - What the assistant did in one go is one message: its reasoning, its text and its calls. Servers want the outputs of calls
//!   right behind the message with the calls.
//! - A refusal in the history is what the assistant said, so it is content: only one server knows the member `refusal`.
//! - Reasoning is sent back in the member that the operator names, and left out if there is none.
//! - A compaction is a system message with the summary.
//! - A single text part is a plain string, which all servers accept.

use protocol::{Content, Item, Request, Role, View, compaction};
use serde_json::{Map, Value, json};

use super::{parts, request::refused};
use crate::Error;

/// The messages of a conversation. `reasoning_member` is the member for earlier reasoning, if it is sent at all.
pub(super) fn messages(request: &Request, reasoning_member: Option<&str>) -> Result<Vec<Value>, Error> {
    let mut list = List { messages: Vec::new(), turn: None, reasoning_member };
    if let Some(instructions) = &request.instructions {
        list.system(instructions.clone());
    }
    for item in &request.input {
        list.add(item)?;
    }
    list.end_turn();
    Ok(list.messages)
}

struct List<'a> {
    messages: Vec<Value>,
    turn: Option<Turn>,
    reasoning_member: Option<&'a str>,
}

/// What the assistant does in one go.
#[derive(Default)]
struct Turn {
    reasoning: String,
    text: Option<String>,
    calls: Vec<Value>,
}

impl List<'_> {
    fn add(&mut self, item: &Item) -> Result<(), Error> {
        match item.view() {
            Some(View::Message { role: Role::Assistant, content }) => self.assistant(content)?,
            Some(View::Message { role: Role::System | Role::Developer, content }) => {
                match parts::content(content)? {
                    Value::String(text) => self.system(text),
                    parts => self.push(json!({ "role": "system", "content": parts })),
                }
            }
            Some(View::Message { role: Role::User, content }) => {
                let content = parts::content(content)?;
                self.push(json!({ "role": "user", "content": content }));
            }
            Some(View::FunctionCall { call_id, name, arguments }) => {
                let function = json!({ "name": name, "arguments": arguments });
                let call = json!({ "id": call_id, "type": "function", "function": function });
                self.turn.get_or_insert_default().calls.push(call);
            }
            Some(View::FunctionCallOutput { call_id, output }) => {
                let content = parts::content(output)?;
                self.push(json!({ "role": "tool", "tool_call_id": call_id, "content": content }));
            }
            Some(View::Reasoning { content, summary }) => self.reasoning(content, summary),
            Some(View::Compaction { encrypted_content }) => {
                let summary = compaction::decode(encrypted_content)
                    .ok_or_else(|| refused("input", "The compaction item was not made by this server."))?;
                self.system(format!("Summary of the conversation so far:\n\n{summary}"));
            }
            Some(View::Reference { id }) => {
                return Err(refused("input", format!("The item '{id}' that is referred to was not found.")));
            }
            None => {
                let kind = item.kind();
                return Err(refused(
                    "input",
                    format!("This model's server cannot be given items of type '{kind}'."),
                ));
            }
        }
        Ok(())
    }

    fn push(&mut self, message: Value) {
        self.end_turn();
        self.messages.push(message);
    }

    fn system(&mut self, text: String) {
        self.end_turn();
        match &mut self.messages[..] {
            [first] if first["role"] == "system" && first["content"].is_string() => {
                let before = first["content"].as_str().unwrap_or_default();
                first["content"] = format!("{before}\n\n{text}").into();
            }
            _ => self.messages.push(json!({ "role": "system", "content": text })),
        }
    }

    fn assistant(&mut self, content: Content<'_>) -> Result<(), Error> {
        let text = parts::assistant_text(content)?;
        // Text after text is another message, unless calls wait for their outputs.
        if self.turn.as_ref().is_some_and(|turn| turn.text.is_some() && turn.calls.is_empty()) {
            self.end_turn();
        }
        let said = &mut self.turn.get_or_insert_default().text;
        *said = Some(match said.take() {
            Some(before) => format!("{before}\n\n{text}"),
            None => text,
        });
        Ok(())
    }

    fn reasoning(&mut self, content: Content<'_>, summary: Content<'_>) {
        if self.turn.as_ref().is_some_and(|turn| turn.text.is_some() || !turn.calls.is_empty()) {
            self.end_turn();
        }
        let text = Some(content.text()).filter(|text| !text.is_empty()).unwrap_or_else(|| summary.text());
        self.turn.get_or_insert_default().reasoning.push_str(&text);
    }

    fn end_turn(&mut self) {
        let Some(Turn { reasoning, text, calls }) = self.turn.take() else { return };
        let reasoning =
            self.reasoning_member.filter(|_| !reasoning.is_empty()).map(|member| (member, reasoning));
        // Reasoning alone, when it is left out, leaves nothing to say.
        if text.is_none() && calls.is_empty() && reasoning.is_none() {
            return;
        }
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), text.map_or(Value::Null, Value::String));
        message.extend(reasoning.map(|(member, text)| (member.to_owned(), text.into())));
        if !calls.is_empty() {
            message.insert("tool_calls".to_owned(), calls.into());
        }
        self.messages.push(message.into());
    }
}
