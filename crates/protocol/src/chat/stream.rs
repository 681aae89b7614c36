//! The answer in chunks.
//!
//! The hot path of every client that speaks Chat Completions: like [`event_json`](crate::event_json) it goes through no
//! [`serde_json::Value`] and allocates nothing but growth of the buffer. Only the few events that are not deltas are
//! read as JSON.

use serde_json::{Value, json};
use stream::{Delta, DeltaKind, Event, EventKind, ResponseId, Whole};

use super::finish::{completion_id, finish_reason, usage_json};
use crate::{
    ApiError, SSE_DONE, Usage, read_error,
    render::{push_line, push_number, push_string},
};

/// Tells one stream of events as chunks of a Chat Completion, in frames of Server-Sent Events.
///
/// It must be given every event of the stream, from number 0 on: which call has which index, and whether the role was
/// told, depends on all that came before. Events that were merged count as the one they are told as.
#[derive(Debug, Clone)]
pub struct ChatStream {
    /// How every chunk begins, up to its choices.
    head: String,
    include_usage: bool,
    has_role: bool,
    has_reasoning: bool,
    summary_part: Option<u32>,
    calls: Vec<Call>,
    has_error: bool,
    ended: bool,
}

/// A function call: its index is its place in the list.
#[derive(Debug, Clone, Copy)]
struct Call {
    output_index: u32,
    has_arguments: bool,
}

impl ChatStream {
    /// A stream of which nothing was told. `created` is in seconds since 1970.
    pub fn new(id: ResponseId, created: u64, model: &str, include_usage: bool) -> Self {
        let mut head = String::from("data: {\"id\":");
        push_string(&mut head, &completion_id(&id.to_string()));
        head.push_str(",\"object\":\"chat.completion.chunk\",\"created\":");
        push_number(&mut head, created);
        head.push_str(",\"model\":");
        push_string(&mut head, model);
        head.push_str(",\"choices\":[");
        Self {
            head,
            include_usage,
            has_role: false,
            has_reasoning: false,
            summary_part: None,
            calls: Vec::new(),
            has_error: false,
            ended: false,
        }
    }

    /// Whether `[DONE]` was told: nothing comes after it.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Appends what there is to tell of the next event: nothing, a frame, or several.
    pub fn event(&mut self, event: &Event, out: &mut String) {
        if self.ended {
            return;
        }
        match event {
            Event::Delta(delta) => self.delta(delta, out),
            Event::Whole(whole) => match whole.kind {
                EventKind::OutputItemAdded => self.item_added(whole, out),
                EventKind::OutputItemDone => self.item_done(whole, out),
                EventKind::Error => self.error(&read_error(event).unwrap_or_else(unreadable), out),
                kind if kind.is_terminal() => self.end(whole, out),
                _ => {}
            },
        }
    }

    // ---- deltas ----

    fn delta(&mut self, delta: &Delta, out: &mut String) {
        self.role(true, out);
        match delta.kind {
            DeltaKind::OutputText => self.text("content", delta, out),
            DeltaKind::Refusal => self.text("refusal", delta, out),
            DeltaKind::Reasoning => {
                self.has_reasoning = true;
                self.text("reasoning_content", delta, out);
            }
            DeltaKind::ReasoningSummary => self.summary(delta, out),
            DeltaKind::FunctionArguments => self.arguments(delta.output_index, &delta.text, out),
        }
    }

    fn text(&self, member: &str, delta: &Delta, out: &mut String) {
        self.open(out);
        out.push('"');
        out.push_str(member);
        out.push_str("\":");
        push_string(out, &delta.text);
        match &delta.logprobs {
            None => self.close(out),
            Some(logprobs) => {
                out.push_str("},\"logprobs\":{\"content\":");
                push_line(out, logprobs);
                out.push_str(",\"refusal\":null},\"finish_reason\":null}]");
                self.tail(out);
            }
        }
    }

    /// A summary stands in for reasoning that is not told; its parts are paragraphs.
    fn summary(&mut self, delta: &Delta, out: &mut String) {
        if self.has_reasoning {
            return;
        }
        if self.summary_part.is_some_and(|part| part != delta.part_index) {
            let paragraph = Delta { text: "\n\n".into(), ..delta.clone() };
            self.text("reasoning_content", &paragraph, out);
        }
        self.summary_part = Some(delta.part_index);
        self.text("reasoning_content", delta, out);
    }

    fn arguments(&mut self, output_index: u32, text: &str, out: &mut String) {
        let Some(index) = self.calls.iter().position(|call| call.output_index == output_index) else {
            return;
        };
        self.calls[index].has_arguments = true;
        self.open(out);
        out.push_str("\"tool_calls\":[{\"index\":");
        push_number(out, index as u64);
        out.push_str(",\"function\":{\"arguments\":");
        push_string(out, text);
        out.push_str("}}]");
        self.close(out);
    }

    // ---- items ----

    fn item_added(&mut self, whole: &Whole, out: &mut String) {
        let Some((output_index, item)) = item(whole) else { return };
        let is_call = item["type"] == "function_call";
        self.role(!is_call, out);
        if !is_call {
            return;
        }
        let index = self.calls.len();
        let arguments = item["arguments"].as_str().unwrap_or_default();
        self.calls.push(Call { output_index, has_arguments: !arguments.is_empty() });
        let call = json!([{
            "index": index,
            "id": item["call_id"],
            "type": "function",
            "function": { "name": item["name"], "arguments": arguments },
        }]);
        self.open(out);
        out.push_str("\"tool_calls\":");
        out.push_str(&call.to_string());
        self.close(out);
    }

    /// Arguments that came in one piece, without a delta.
    fn item_done(&mut self, whole: &Whole, out: &mut String) {
        let Some((output_index, item)) = item(whole) else { return };
        let untold = |call: &&Call| call.output_index == output_index && !call.has_arguments;
        if self.calls.iter().any(|call| untold(&call))
            && let Some(arguments) = item["arguments"].as_str().filter(|arguments| !arguments.is_empty())
        {
            self.arguments(output_index, arguments, out);
        }
    }

    // ---- the end ----

    fn end(&mut self, whole: &Whole, out: &mut String) {
        self.ended = true;
        let body: Value = serde_json::from_str(&whole.body).unwrap_or_default();
        let resource = &body["response"];
        match finish_reason(resource, !self.calls.is_empty()) {
            Err(_) if self.has_error => {}
            Err(error) => self.error(&error, out),
            Ok(reason) => {
                self.role(true, out);
                out.push_str(&self.head);
                out.push_str("{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"");
                out.push_str(reason);
                out.push_str("\"}]");
                self.tail(out);
                if let Some(usage) = Usage::from_json(&resource["usage"]).filter(|_| self.include_usage) {
                    out.push_str(&self.head);
                    out.push_str("],\"usage\":");
                    out.push_str(&usage_json(usage).to_string());
                    out.push_str("}\n\n");
                }
            }
        }
        out.push_str(SSE_DONE);
    }

    /// The SDKs raise on a frame that has an `error`.
    fn error(&mut self, error: &ApiError, out: &mut String) {
        self.has_error = true;
        out.push_str("data: ");
        out.push_str(&error.http_body());
        out.push_str("\n\n");
    }

    // ---- chunks ----

    /// The first chunk tells who speaks. Content that may come is told as empty, so that it is there even if none does.
    fn role(&mut self, may_speak: bool, out: &mut String) {
        if !std::mem::replace(&mut self.has_role, true) {
            self.open(out);
            out.push_str("\"role\":\"assistant\",\"content\":");
            out.push_str(if may_speak { "\"\"" } else { "null" });
            self.close(out);
        }
    }

    /// Begins a chunk, up to the members of its delta.
    fn open(&self, out: &mut String) {
        out.push_str(&self.head);
        out.push_str("{\"index\":0,\"delta\":{");
    }

    fn close(&self, out: &mut String) {
        out.push_str("},\"logprobs\":null,\"finish_reason\":null}]");
        self.tail(out);
    }

    fn tail(&self, out: &mut String) {
        out.push_str(if self.include_usage { ",\"usage\":null}\n\n" } else { "}\n\n" });
    }
}

fn item(whole: &Whole) -> Option<(u32, Value)> {
    let mut body: Value = serde_json::from_str(&whole.body).ok()?;
    let output_index = body["output_index"].as_u64()?.try_into().ok()?;
    Some((output_index, body["item"].take()))
}

fn unreadable() -> ApiError {
    ApiError::server("server_error", "The response failed for an unknown reason.")
}
