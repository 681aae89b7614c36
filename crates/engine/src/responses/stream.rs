//! The stream of an Open Responses server, as outputs.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, value::RawValue};
use sse_stream::Sse;

use super::event::{Event, OutputItem, Response};
use crate::{
    Error, Finish, Output,
    logprobs::standard,
    text::Text,
    upstream::{Progress, Translate, broke_off, garbled, readable},
};

/// One answer may make so many calls; a server that makes more has gone wrong.
const MAX_CALLS: usize = 128;

/// How far a stream has come.
#[derive(Debug, Default)]
pub(super) struct ResponsesStream {
    /// The calls, by their place in the server's output.
    calls: BTreeMap<u32, Call>,
}

#[derive(Debug)]
struct Call {
    index: u32,
    has_arguments: bool,
}

impl Translate for ResponsesStream {
    fn event(&mut self, event: &Sse, out: &mut VecDeque<Output>) -> Result<Progress, Error> {
        match event.data.as_deref() {
            None | Some("") => Ok(Progress::More),
            Some("[DONE]") => self.end(out).map(|()| Progress::Done),
            Some(data) => self.typed(data, out),
        }
    }

    /// The end is an event of its own, and whoever leaves it out broke off.
    fn end(&mut self, _out: &mut VecDeque<Output>) -> Result<(), Error> {
        Err(broke_off("the stream ended without a terminal event"))
    }
}

impl ResponsesStream {
    fn typed(&mut self, data: &str, out: &mut VecDeque<Output>) -> Result<Progress, Error> {
        let event: Event<'_> = read(data)?;
        let place = event.output_index.unwrap_or(0);
        match &*event.kind.0 {
            "response.output_text.delta" => {
                let logprobs = event.logprobs.and_then(|logprobs| standard(&logprobs));
                let text = event.delta.and_then(Text::said);
                if text.is_some() || logprobs.is_some() {
                    out.push_back(Output::Text { text: text.unwrap_or_default(), logprobs });
                }
            }
            "response.refusal.delta" => out.extend(event.delta.and_then(Text::said).map(Output::Refusal)),
            // The standard's name, and that of the public service.
            "response.reasoning.delta" | "response.reasoning_text.delta" => {
                out.extend(event.delta.and_then(Text::said).map(Output::Reasoning));
            }
            "response.reasoning_summary_text.delta" => {
                let part = event.summary_index.unwrap_or(0);
                let text = event.delta.and_then(Text::said);
                out.extend(text.map(|text| Output::ReasoningSummary { part, text }));
            }
            "response.output_item.added" => self.item(place, event.item, false, out)?,
            "response.output_item.done" => self.item(place, event.item, true, out)?,
            "response.function_call_arguments.delta" => self.arguments(place, event.delta, out)?,
            "response.completed" | "response.incomplete" => return finish(event.response, out),
            "response.failed" | "response.cancelled" => {
                let response: Response = read(event.response.map_or("{}", RawValue::get))?;
                return Err(readable(&response.error));
            }
            "error" => {
                // The standard nests the error; the public service does not.
                let error: Value = read(data)?;
                return Err(readable(error.get("error").filter(|error| error.is_object()).unwrap_or(&error)));
            }
            // What says where texts begin and end: outputs say so by themselves. And what newer servers add.
            _ => {}
        }
        Ok(Progress::More)
    }

    /// An item begins, or is whole. A server that does not stream arguments tells of them then.
    fn item(
        &mut self,
        place: u32,
        item: Option<&RawValue>,
        is_whole: bool,
        out: &mut VecDeque<Output>,
    ) -> Result<(), Error> {
        let item: OutputItem =
            read(item.ok_or_else(|| garbled("an event of an item without the item"))?.get())?;
        if item.kind != "function_call" {
            return Ok(());
        }
        let next = self.calls.len();
        if next == MAX_CALLS {
            return Err(garbled(format!("more than {MAX_CALLS} calls in one answer")));
        }
        let call = self.calls.entry(place).or_insert_with(|| {
            let index = next as u32;
            out.push_back(Output::Call { index, call_id: item.call_id, name: item.name });
            Call { index, has_arguments: false }
        });
        if is_whole && !call.has_arguments {
            call.has_arguments = true;
            let text = if item.arguments.is_empty() { "{}".into() } else { item.arguments.into() };
            out.push_back(Output::Arguments { index: call.index, text });
        }
        Ok(())
    }

    fn arguments(
        &mut self,
        place: u32,
        delta: Option<Text<'_>>,
        out: &mut VecDeque<Output>,
    ) -> Result<(), Error> {
        let call =
            self.calls.get_mut(&place).ok_or_else(|| garbled("arguments of a call that did not begin"))?;
        if let Some(text) = delta.and_then(Text::said) {
            call.has_arguments = true;
            out.push_back(Output::Arguments { index: call.index, text });
        }
        Ok(())
    }
}

fn finish(response: Option<&RawValue>, out: &mut VecDeque<Output>) -> Result<Progress, Error> {
    let response: Response = read(response.map_or("{}", RawValue::get))?;
    out.extend(response.usage.map(|usage| Output::Usage(usage.into())));
    let finish = match response.incomplete_details.as_ref().map(|details| details.reason.as_str()) {
        None => Finish::Stop,
        Some("content_filter") => Finish::ContentFilter,
        Some(_) => Finish::Length,
    };
    out.push_back(Output::Finish(finish));
    Ok(Progress::Done)
}

fn read<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| garbled(format!("{error} in {json}")))
}
