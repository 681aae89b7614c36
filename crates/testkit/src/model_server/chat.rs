//! Chat Completions, as servers write it.

use serde_json::{Map, Value, json};

use super::{
    body::{Event, Teller},
    play::{Piece, Play},
    script::{CallStyle, UsageNumbers},
};

const ID: &str = "chatcmpl-scripted";
/// The same in every answer: nothing here depends on the clock.
const CREATED: u64 = 1_700_000_000;

/// Writes a stream of chunks.
pub(super) struct ChatTeller {
    model: String,
    include_usage: bool,
    usage_with_finish: bool,
    /// What was counted so far, if each chunk tells it.
    counted: Option<UsageNumbers>,
    logprobs: Option<u64>,
    reasoning_field: String,
    style: CallStyle,
    /// A call that is told at once, until its arguments are whole.
    held: Option<Held>,
}

struct Held {
    index: usize,
    id: String,
    name: String,
    arguments: String,
}

impl ChatTeller {
    pub(super) fn new(play: &Play) -> Self {
        let (script, prompt) = (play.script(), play.prompt());
        Self {
            model: prompt.model.clone(),
            include_usage: prompt.include_usage,
            usage_with_finish: script.usage_with_finish,
            counted: (prompt.continuous_usage && script.continuous_usage).then(|| play.usage(0)),
            logprobs: prompt.logprobs,
            reasoning_field: script.reasoning_field.clone(),
            style: script.call_style,
            held: None,
        }
    }

    fn chunk(&self, choices: Value, usage: Option<UsageNumbers>) -> Event {
        let mut chunk = json!({
            "id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": self.model, "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = usage.map_or(Value::Null, usage_json);
        }
        Event::data(chunk.to_string())
    }

    fn delta(&self, delta: Value, logprobs: Value) -> Event {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": null });
        self.chunk(json!([choice]), self.counted)
    }

    fn call(&self, index: usize, id: Option<&str>, name: Option<&str>, arguments: &str) -> Event {
        let mut function = Map::new();
        if let Some(name) = name {
            function.insert("name".to_owned(), name.into());
        }
        function.insert("arguments".to_owned(), arguments.into());
        let mut call = Map::new();
        if self.style != CallStyle::Bare {
            call.insert("index".to_owned(), index.into());
        }
        if let Some(id) = id {
            call.insert("id".to_owned(), if self.style == CallStyle::Bare { "" } else { id }.into());
            call.insert("type".to_owned(), "function".into());
        }
        call.insert("function".to_owned(), function.into());
        self.delta(json!({ "tool_calls": [call] }), Value::Null)
    }

    /// A call begins: told now, or held back until it is whole.
    fn begin_call(&mut self, index: usize, id: &str, name: &str, out: &mut Vec<Event>) {
        self.release(out);
        let (id, name) = (id.to_owned(), name.to_owned());
        match self.style {
            CallStyle::Pieces => out.push(self.call(index, Some(&id), Some(&name), "")),
            CallStyle::SplitName => {
                let (front, back) = name.split_at(name.floor_char_boundary(name.len() / 2));
                out.push(self.call(index, Some(&id), Some(front), ""));
                out.push(self.call(index, Some(&id), Some(back), ""));
                self.held = Some(Held { index, id, name, arguments: String::new() });
            }
            CallStyle::Whole | CallStyle::Bare => {
                self.held = Some(Held { index, id, name, arguments: String::new() });
            }
        }
    }

    fn arguments(&mut self, index: usize, text: &str, out: &mut Vec<Event>) {
        match (self.style, &mut self.held) {
            (CallStyle::Whole | CallStyle::Bare, Some(held)) => held.arguments.push_str(text),
            (_, Some(Held { id, .. })) => {
                let id = id.clone();
                out.push(self.call(index, Some(&id), None, text));
            }
            (_, None) => out.push(self.call(index, None, None, text)),
        }
    }

    fn release(&mut self, out: &mut Vec<Event>) {
        if let Some(held) = self.held.take()
            && self.style != CallStyle::SplitName
        {
            out.push(self.call(held.index, Some(&held.id), Some(&held.name), &held.arguments));
        }
    }
}

impl Teller for ChatTeller {
    fn begin(&mut self, out: &mut Vec<Event>) {
        out.push(self.delta(json!({ "role": "assistant", "content": "" }), Value::Null));
    }

    fn tell(&mut self, piece: &Piece, out: &mut Vec<Event>) {
        if let Some(counted) = &mut self.counted {
            counted.output += 1;
        }
        match piece {
            Piece::Text(text) => {
                let logprobs =
                    self.logprobs.map_or(Value::Null, |top| json!({ "content": [logprob(text, top)] }));
                out.push(self.delta(json!({ "content": text }), logprobs));
            }
            Piece::Reasoning(text) => {
                let member = [(self.reasoning_field.clone(), Value::from(text.as_str()))];
                out.push(self.delta(Map::from_iter(member).into(), Value::Null));
            }
            Piece::Refusal(text) => out.push(self.delta(json!({ "refusal": text }), Value::Null)),
            Piece::Call { index, id, name } => self.begin_call(*index, id, name, out),
            Piece::Arguments { index, text } => self.arguments(*index, text, out),
        }
    }

    fn fail(&mut self, error: &str, out: &mut Vec<Event>) {
        out.push(Event::data(format!("{{\"error\":{error}}}")));
    }

    fn finish(&mut self, reason: &str, usage: UsageNumbers, out: &mut Vec<Event>) {
        self.release(out);
        let choice = json!({ "index": 0, "delta": {}, "logprobs": null, "finish_reason": reason });
        let with_finish = (self.include_usage && self.usage_with_finish).then_some(usage);
        out.push(self.chunk(json!([choice]), with_finish));
        if self.include_usage && !self.usage_with_finish {
            out.push(self.chunk(json!([]), Some(usage)));
        }
        out.push(Event::data("[DONE]"));
    }
}

/// A whole answer.
pub(super) fn completion(play: &Play, pieces: &[Piece], reason: &str, usage: UsageNumbers) -> Value {
    let mut message = json!({ "role": "assistant", "content": null, "refusal": null });
    let mut calls: Vec<Value> = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => append(&mut message["content"], text),
            Piece::Refusal(text) => append(&mut message["refusal"], text),
            Piece::Reasoning(text) => append(&mut message[&play.script().reasoning_field], text),
            Piece::Call { id, name, .. } => {
                calls.push(
                    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": "" } }),
                );
            }
            Piece::Arguments { index, text } => append(&mut calls[*index]["function"]["arguments"], text),
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    json!({
        "id": ID, "object": "chat.completion", "created": CREATED, "model": play.prompt().model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }],
        "usage": usage_json(usage),
    })
}

fn append(slot: &mut Value, text: &str) {
    *slot = format!("{}{text}", slot.as_str().unwrap_or_default()).into();
}

fn usage_json(usage: UsageNumbers) -> Value {
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cached },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}

/// The log probability of a token, and of as many others as were asked for.
pub(super) fn logprob(text: &str, top: u64) -> Value {
    let top: Vec<Value> = (0..top)
        .map(
            |rank| json!({ "token": format!("{text}{rank}"), "logprob": -0.25 - rank as f64, "bytes": null }),
        )
        .collect();
    json!({ "token": text, "logprob": -0.25, "bytes": text.as_bytes(), "top_logprobs": top })
}
