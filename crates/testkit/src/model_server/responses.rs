//! Open Responses, as servers write it, in a simple form.

use serde_json::{Value, json};

use super::{
    body::{Event, Teller},
    chat::logprob,
    play::{Piece, Play},
    script::UsageNumbers,
};

/// Writes a stream of events.
pub(super) struct ResponsesTeller {
    model: String,
    logprobs: Option<u64>,
    sequence: u64,
    output: Vec<Value>,
}

impl ResponsesTeller {
    pub(super) fn new(play: &Play) -> Self {
        let prompt = play.prompt();
        Self { model: prompt.model.clone(), logprobs: prompt.logprobs, sequence: 0, output: Vec::new() }
    }

    fn push(&mut self, name: &'static str, mut body: Value, out: &mut Vec<Event>) {
        body["type"] = name.into();
        body["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        out.push(Event { name: Some(name), data: body.to_string() });
    }

    fn response(&self, status: &str) -> Value {
        json!({
            "id": "resp_scripted", "object": "response", "created_at": 1_700_000_000, "status": status,
            "model": self.model, "output": self.output, "error": null, "incomplete_details": null, "usage": null,
        })
    }

    /// Where the current item of `kind` is; it begins one if the last one is of another kind.
    fn item(&mut self, kind: &str, part: &str, out: &mut Vec<Event>) -> usize {
        let last = self.output.last();
        if last.is_none_or(|item| item["type"] != kind || item["content"][0]["type"] != part) {
            self.close_item(out);
            let index = self.output.len();
            let role = if kind == "message" { json!("assistant") } else { Value::Null };
            let empty = json!({
                "type": kind, "id": format!("item_{index}"), "role": role, "status": "in_progress", "content": [],
            });
            self.push("response.output_item.added", json!({ "output_index": index, "item": empty }), out);
            let mut item = empty;
            let text = if part == "refusal" { "refusal" } else { "text" };
            item["content"] = json!([{ "type": part, text: "" }]);
            let added = json!({
                "item_id": item["id"], "output_index": index, "content_index": 0, "part": item["content"][0],
            });
            self.output.push(item);
            self.push("response.content_part.added", added, out);
        }
        self.output.len() - 1
    }

    fn text(&mut self, kind: &str, part: &str, event: &'static str, text: &str, out: &mut Vec<Event>) {
        let index = self.item(kind, part, out);
        let member = if part == "refusal" { "refusal" } else { "text" };
        let whole = &mut self.output[index]["content"][0][member];
        *whole = format!("{}{text}", whole.as_str().unwrap_or_default()).into();
        let id = self.output[index]["id"].clone();
        let mut delta = json!({ "item_id": id, "output_index": index, "content_index": 0, "delta": text });
        if let Some(top) = self.logprobs.filter(|_| part == "output_text") {
            delta["logprobs"] = json!([logprob(text, top)]);
        }
        self.push(event, delta, out);
    }

    fn call(&mut self, id: &str, name: &str, out: &mut Vec<Event>) {
        self.close_item(out);
        let index = self.output.len();
        let item = json!({
            "type": "function_call", "id": format!("item_{index}"), "call_id": id, "name": name, "arguments": "",
            "status": "in_progress",
        });
        self.output.push(item.clone());
        self.push("response.output_item.added", json!({ "output_index": index, "item": item }), out);
    }

    fn arguments(&mut self, text: &str, out: &mut Vec<Event>) {
        let index = self.output.len() - 1;
        let item = &mut self.output[index];
        item["arguments"] = format!("{}{text}", item["arguments"].as_str().unwrap_or_default()).into();
        let delta = json!({ "item_id": item["id"], "output_index": index, "delta": text });
        self.push("response.function_call_arguments.delta", delta, out);
    }

    fn close_item(&mut self, out: &mut Vec<Event>) {
        let Some(index) = self.output.len().checked_sub(1) else { return };
        self.output[index]["status"] = "completed".into();
        let done = json!({ "output_index": index, "item": self.output[index] });
        self.push("response.output_item.done", done, out);
    }
}

impl Teller for ResponsesTeller {
    fn begin(&mut self, out: &mut Vec<Event>) {
        let response = self.response("in_progress");
        self.push("response.created", json!({ "response": response }), out);
        self.push("response.in_progress", json!({ "response": response }), out);
    }

    fn tell(&mut self, piece: &Piece, out: &mut Vec<Event>) {
        match piece {
            Piece::Text(text) => self.text("message", "output_text", "response.output_text.delta", text, out),
            Piece::Refusal(text) => self.text("message", "refusal", "response.refusal.delta", text, out),
            Piece::Reasoning(text) => {
                self.text("reasoning", "reasoning_text", "response.reasoning_text.delta", text, out);
            }
            Piece::Call { id, name, .. } => self.call(id, name, out),
            Piece::Arguments { text, .. } => self.arguments(text, out),
        }
    }

    fn fail(&mut self, error: &str, out: &mut Vec<Event>) {
        let mut response = self.response("failed");
        response["error"] = serde_json::from_str(error).unwrap_or_else(|_| json!({ "message": error }));
        self.push("response.failed", json!({ "response": response }), out);
    }

    fn finish(&mut self, reason: &str, usage: UsageNumbers, out: &mut Vec<Event>) {
        self.close_item(out);
        let response = finished(self.response("completed"), reason, usage);
        let name =
            if response["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
        self.push(name, json!({ "response": response }), out);
    }
}

/// A whole answer.
pub(super) fn response(play: &Play, pieces: &[Piece], reason: &str, usage: UsageNumbers) -> Value {
    let (mut teller, mut out) = (ResponsesTeller::new(play), Vec::new());
    pieces.iter().for_each(|piece| teller.tell(piece, &mut out));
    teller.close_item(&mut out);
    finished(teller.response("completed"), reason, usage)
}

fn finished(mut response: Value, reason: &str, usage: UsageNumbers) -> Value {
    let incomplete = match reason {
        "length" => Some("max_output_tokens"),
        "content_filter" => Some("content_filter"),
        _ => None,
    };
    if let Some(reason) = incomplete {
        response["status"] = "incomplete".into();
        response["incomplete_details"] = json!({ "reason": reason });
    }
    response["usage"] = json!({
        "input_tokens": usage.input, "output_tokens": usage.output, "total_tokens": usage.input + usage.output,
        "input_tokens_details": { "cached_tokens": usage.cached },
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
    });
    response
}
