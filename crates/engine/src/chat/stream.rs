//! The stream of a Chat Completions server, as outputs.

use std::collections::VecDeque;

use bytestring::ByteString;
use serde_json::Value;
use sse_stream::Sse;

use super::{
    calls::Calls,
    chunk::{Choice, Chunk, Content, Delta, Part},
};
use crate::{
    Error, Fault, Finish, Output,
    logprobs::standard,
    text::Text,
    upstream::{Progress, Translate, broke_off, garbled, readable},
};

/// How far a stream has come.
///
/// The reason to finish is kept until the stream ends: usage comes after it.
#[derive(Debug, Default)]
pub(super) struct ChatStream {
    calls: Calls,
    finish: Option<Finish>,
}

impl Translate for ChatStream {
    fn event(&mut self, event: &Sse, out: &mut VecDeque<Output>) -> Result<Progress, Error> {
        match event.data.as_deref() {
            // Only a comment or a name.
            None | Some("") => Ok(Progress::More),
            Some("[DONE]") => self.end(out).map(|()| Progress::Done),
            Some(data) => self.chunk(data, out).map(|()| Progress::More),
        }
    }

    fn end(&mut self, out: &mut VecDeque<Output>) -> Result<(), Error> {
        let finish = self.finish.ok_or_else(|| broke_off("the stream ended without a finish_reason"))?;
        out.push_back(Output::Finish(finish));
        Ok(())
    }
}

impl ChatStream {
    fn chunk(&mut self, data: &str, out: &mut VecDeque<Output>) -> Result<(), Error> {
        let wrong = |error: serde_json::Error| garbled(format!("{error} in the chunk {data}"));
        let chunk: Chunk<'_> = serde_json::from_str(data).map_err(wrong)?;
        if let Some(error) = chunk.error {
            let error: Value = serde_json::from_str(error.get()).map_err(wrong)?;
            if is_error(&error) {
                return Err(readable(&error));
            }
        }
        if chunk.object.is_some_and(|object| object.0 == "error") {
            return Err(readable(&serde_json::from_str(data).map_err(wrong)?));
        }
        for choice in chunk.choices.into_iter().flatten().filter(|choice| choice.index.unwrap_or(0) == 0) {
            self.choice(choice, out)?;
        }
        out.extend(chunk.usage.map(|usage| Output::Usage(usage.into())));
        Ok(())
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut VecDeque<Output>) -> Result<(), Error> {
        let Delta { content, refusal, reasoning_content, reasoning, tool_calls } =
            choice.delta.unwrap_or_default();
        // A server that is changing from one name to the other sends both, with the same text.
        out.extend(
            reasoning_content
                .and_then(Text::said)
                .or_else(|| reasoning.and_then(Text::said))
                .map(Output::Reasoning),
        );

        let logprobs = choice.logprobs.and_then(|logprobs| standard(&logprobs.content?));
        let text = match content {
            Some(Content::Text(text)) => text.said(),
            Some(Content::Parts(parts)) => told_parts(parts, out),
            None => None,
        };
        if text.is_some() || logprobs.is_some() {
            out.push_back(Output::Text { text: text.unwrap_or_default(), logprobs });
        }
        out.extend(refusal.and_then(Text::said).map(Output::Refusal));
        for piece in tool_calls.iter().flatten() {
            self.calls.piece(piece, out)?;
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.0.is_empty()) {
            self.finish = Some(finish(&reason.0)?);
            self.calls.end(out);
        }
        Ok(())
    }
}

/// Tells what parts are thinking, and gives the text of the others.
fn told_parts(parts: Vec<Part<'_>>, out: &mut VecDeque<Output>) -> Option<ByteString> {
    let mut said = String::new();
    for Part { text, thinking } in parts {
        let thoughts = thinking.into_iter().flatten().filter_map(|part| part.text.and_then(Text::said));
        out.extend(thoughts.map(Output::Reasoning));
        said.push_str(text.as_ref().map_or("", |text| &text.0));
    }
    (!said.is_empty()).then(|| said.into())
}

/// What is truthy, as the official clients read it; some servers send `"error": null` or `{}` with every chunk.
fn is_error(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn finish(reason: &str) -> Result<Finish, Error> {
    match reason {
        "length" | "max_tokens" | "model_length" => Ok(Finish::Length),
        "content_filter" => Ok(Finish::ContentFilter),
        // The server gave up, and says so in the place of a reason.
        "error" | "abort" => {
            Err(Error::new(Fault::Failed, "The model server failed.", format!("finish_reason {reason}")))
        }
        // `stop`, `tool_calls`, `function_call`, and other servers' names for the same.
        _ => Ok(Finish::Stop),
    }
}
