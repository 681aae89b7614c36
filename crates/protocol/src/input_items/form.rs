//! An item that a client sent, in the form that the standard gives to items it shows.
//!
//! The standard lets clients leave out what it requires of servers: ids, states, parts instead of plain text. What
//! has no form there (audio) is shown as the file that it is.

use serde_json::{Map, Value, json};
use stream::{ItemKind, ResponseId};

use crate::{Content, Item, Role, View};

const STATUSES: [&str; 3] = ["in_progress", "completed", "incomplete"];

/// The item as it is shown, or nothing if it is a reference.
pub(super) fn shown(response: ResponseId, place: usize, item: &Item) -> Option<Value> {
    let mut members = item.0.clone();
    members.retain(|name, value| !value.is_null() && (name != "phase" || is_phase(value)));
    let mut set = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    let prefix = match item.view()? {
        View::Message { role, content } => {
            let kind = if role == Role::Assistant { "output_text" } else { "input_text" };
            set("type", "message".into());
            set("content", parts(content, kind, part).into());
            ItemKind::Message.prefix()
        }
        View::FunctionCall { .. } => ItemKind::FunctionCall.prefix(),
        View::FunctionCallOutput { output, .. } => {
            if let Content::Parts(_) = output {
                set("output", parts(output, "input_text", output_part).into());
            }
            "fco"
        }
        View::Reasoning { content, summary } => {
            set("summary", parts(summary, "summary_text", part).into());
            set("content", parts(content, "reasoning_text", part).into());
            ItemKind::Reasoning.prefix()
        }
        View::Compaction { .. } => ItemKind::Compaction.prefix(),
        View::Reference { .. } => return None,
    };
    set("id", item_id(response, place, prefix, item).into());
    let status = item.0.get("status").and_then(Value::as_str).filter(|status| STATUSES.contains(status));
    set("status", status.unwrap_or("completed").into());
    Some(Value::Object(members))
}

/// The item's own id, or one that follows from its place. Output items have no `in` in theirs, so the two cannot meet.
fn item_id(response: ResponseId, place: usize, prefix: &str, item: &Item) -> String {
    match item.id().filter(|id| !id.is_empty()) {
        Some(id) => id.to_owned(),
        None => format!("{prefix}_{:032x}in{place:04x}", response.random_bits()),
    }
}

/// Parts; text becomes one of the given `kind`.
fn parts(content: Content<'_>, kind: &str, part: impl Fn(&Value) -> Value) -> Vec<Value> {
    match content {
        Content::Text(text) => vec![part(&json!({ "type": kind, "text": text }))],
        Content::Parts(list) => list.iter().map(part).collect(),
    }
}

/// A part of a message or of reasoning.
fn part(part: &Value) -> Value {
    let mut members = part.as_object().cloned().unwrap_or_default();
    members.retain(|_, value| !value.is_null());
    match members.get("type").and_then(Value::as_str).unwrap_or_default() {
        "input_image" => {
            let detail =
                members.get("detail").filter(|detail| ["low", "high"].iter().any(|known| *detail == known));
            let detail = detail.cloned().unwrap_or_else(|| "auto".into());
            members.insert("detail".to_owned(), detail);
            members.entry("image_url").or_insert(Value::Null);
        }
        "input_audio" => return audio_file(&members),
        "output_text" => {
            let annotations = members.remove("annotations");
            let list = annotations.as_ref().and_then(Value::as_array).into_iter().flatten();
            let citations: Vec<Value> = list.filter(|annotation| is_citation(annotation)).cloned().collect();
            members.insert("annotations".to_owned(), citations.into());
            // They are not input to anything, and what a client sends as such was not checked.
            members.remove("logprobs");
        }
        _ => {}
    }
    Value::Object(members)
}

/// A part of a function's output: there the standard shows no video.
fn output_part(of_output: &Value) -> Value {
    match of_output["type"].as_str() {
        Some("input_video") => json!({ "type": "input_file", "file_url": of_output["video_url"] }),
        _ => part(of_output),
    }
}

fn audio_file(part: &Map<String, Value>) -> Value {
    let audio = part.get("input_audio").unwrap_or(&Value::Null);
    let format = audio["format"].as_str().unwrap_or("wav");
    let data = audio["data"].as_str().unwrap_or_default();
    json!({
        "type": "input_file",
        "filename": format!("audio.{format}"),
        "file_data": format!("data:audio/{format};base64,{data}"),
    })
}

/// Chat Completions knows no phases, so nobody has checked what a client of it calls so.
fn is_phase(value: &Value) -> bool {
    value == "commentary" || value == "final_answer"
}

/// The one kind of annotation that the standard names.
fn is_citation(annotation: &Value) -> bool {
    annotation["type"] == "url_citation"
        && annotation["url"].is_string()
        && annotation["title"].is_string()
        && annotation["start_index"].is_u64()
        && annotation["end_index"].is_u64()
}
