//! The answer as one object.

use serde_json::{Map, Value, json};

use super::finish::{completion_id, finish_reason, usage_json};
use crate::{ApiError, Usage};

/// The `chat.completion` that a finished response amounts to.
///
/// One that failed or was cancelled is not told so, but as an error: the caller's to check ([`chat_error`]).
pub fn chat_completion(resource: &Value) -> Value {
    let mut answer = Answer::default();
    for item in resource["output"].as_array().into_iter().flatten() {
        answer.add(item);
    }
    let finish_reason = finish_reason(resource, !answer.calls.is_empty()).unwrap_or("length");
    let mut completion = json!({
        "id": completion_id(resource["id"].as_str().unwrap_or_default()),
        "object": "chat.completion",
        "created": resource["created_at"],
        "model": resource["model"],
        "choices": [{
            "index": 0,
            "logprobs": answer.logprobs_json(),
            "finish_reason": finish_reason,
            "message": answer.into_message(),
        }],
        "service_tier": resource["service_tier"],
    });
    if let Some(usage) = Usage::from_json(&resource["usage"]) {
        completion["usage"] = usage_json(usage);
    }
    completion
}

/// The error instead of an answer, if the response failed or was cancelled.
///
/// The resource knows its code and message. The error event of the stream, where the caller has seen it, knows its type
/// and parameter too, which decide the HTTP status ([`read_error`](crate::read_error)).
pub fn chat_error(resource: &Value) -> Option<ApiError> {
    finish_reason(resource, false).err()
}

/// What the items add up to: one message.
#[derive(Default)]
struct Answer {
    content: Option<String>,
    refusal: Option<String>,
    reasoning: Option<String>,
    summary: Option<String>,
    calls: Vec<Value>,
    logprobs: Vec<Value>,
    annotations: Vec<Value>,
}

impl Answer {
    fn add(&mut self, item: &Value) {
        let parts = |list: &str| item[list].as_array().into_iter().flatten();
        match item["type"].as_str().unwrap_or_default() {
            "message" => parts("content").for_each(|part| self.add_part(part)),
            "reasoning" => {
                parts("content").for_each(|part| append(&mut self.reasoning, part["text"].as_str()));
                for part in parts("summary") {
                    // The parts of a summary are paragraphs.
                    if self.summary.is_some() {
                        append(&mut self.summary, Some("\n\n"));
                    }
                    append(&mut self.summary, part["text"].as_str());
                }
            }
            "function_call" => self.calls.push(json!({
                "id": item["call_id"],
                "type": "function",
                "function": { "name": item["name"], "arguments": item["arguments"] },
            })),
            _ => {}
        }
    }

    fn add_part(&mut self, part: &Value) {
        append(&mut self.content, part["text"].as_str());
        append(&mut self.refusal, part["refusal"].as_str());
        let elements = |list: &str| part[list].as_array().into_iter().flatten();
        self.logprobs.extend(elements("logprobs").cloned());
        self.annotations.extend(elements("annotations").filter_map(citation));
    }

    fn logprobs_json(&self) -> Value {
        match &*self.logprobs {
            [] => Value::Null,
            logprobs => json!({ "content": logprobs, "refusal": null }),
        }
    }

    fn into_message(self) -> Value {
        let mut message = Map::new();
        let mut set = |name: &str, value: Value| message.insert(name.to_owned(), value);
        set("role", "assistant".into());
        set("content", self.content.into());
        set("refusal", self.refusal.into());
        if let Some(reasoning) = self.reasoning.or(self.summary) {
            set("reasoning_content", reasoning.into());
        }
        if !self.calls.is_empty() {
            set("tool_calls", self.calls.into());
        }
        set("annotations", self.annotations.into());
        Value::Object(message)
    }
}

fn append(to: &mut Option<String>, text: Option<&str>) {
    if let Some(text) = text {
        to.get_or_insert_default().push_str(text);
    }
}

/// A citation stands one level deeper than in Open Responses.
fn citation(annotation: &Value) -> Option<Value> {
    let mut citation = annotation.as_object()?.clone();
    (citation.remove("type")? == "url_citation")
        .then(|| json!({ "type": "url_citation", "url_citation": citation }))
}
