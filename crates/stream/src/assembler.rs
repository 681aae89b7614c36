//! What a stream amounts to: its events folded into the response as it stands.
//!
//! A worker that takes over asks it for the text so far; a gateway asks it for `GET /v1/responses/{id}` while the
//! response runs; tests ask it what a client must have seen.

use std::mem;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Delta, DeltaKind, Event, EventKind, Sequence, Whole};

/// A fold over the events of one stream, from the first on.
#[derive(Debug, Clone, Default)]
pub struct Assembler {
    next: Sequence,
    /// The last event that showed the response. It is read when somebody asks: most do so once, at the end.
    shown: Option<Whole>,
    output: Vec<Value>,
    /// Where the last delta went. Its text is not in `output` meanwhile: the way there is long for each token.
    growing: Option<Growing>,
    ended: bool,
}

/// A text that deltas are added to.
#[derive(Debug, Clone)]
struct Growing {
    at: Place,
    text: String,
}

/// The place of a text in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    kind: DeltaKind,
    output_index: u32,
    part_index: u32,
}

/// An event was given out of its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected event {expected}, got {got}")]
pub struct OutOfOrder {
    /// The sequence number that was next.
    pub expected: Sequence,
    /// The one that came.
    pub got: Sequence,
}

impl Assembler {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// The sequence number of the next event.
    pub const fn next(&self) -> Sequence {
        self.next
    }

    /// Whether the terminal event was folded in.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether anything of the model's output was told: an item, or a piece of one.
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// The output items so far, each an object.
    pub fn output(&mut self) -> &[Value] {
        self.settle();
        &self.output
    }

    /// The response resource as it stands, an object, or `None` before `response.created`.
    ///
    /// Until the end its `output` is what the deltas so far add up to.
    pub fn response(&mut self) -> Option<Value> {
        let mut response = self.shown.as_ref().and_then(Whole::response)?;
        if !self.ended {
            response["output"] = self.output().into();
        }
        Some(response)
    }

    /// The last event that showed the response, as it came: its `output` is what it was then.
    pub const fn shown(&self) -> Option<&Whole> {
        self.shown.as_ref()
    }

    /// What [`shown`](Self::shown) tells, and the output items, for whoever ends the stream: nothing is folded in any more.
    pub fn take(&mut self) -> (Option<Whole>, Vec<Value>) {
        self.settle();
        (self.shown.take(), mem::take(&mut self.output))
    }

    /// Folds in the event with number `sequence`.
    ///
    /// # Errors
    /// When it is not the next one; nothing changes then.
    pub fn push(&mut self, sequence: Sequence, event: &Event) -> Result<(), OutOfOrder> {
        if sequence != self.next {
            return Err(OutOfOrder { expected: self.next, got: sequence });
        }
        self.next += 1;
        match event {
            Event::Delta(delta) => self.add_delta(delta),
            Event::Whole(whole) => self.add_whole(whole),
        }
        Ok(())
    }

    fn add_delta(&mut self, delta: &Delta) {
        let Delta { kind, output_index, part_index, .. } = *delta;
        let at = Place { kind, output_index, part_index };
        if self.growing.as_ref().is_none_or(|growing| growing.at != at) {
            self.settle();
            self.growing = at.text(&mut self.output).map(|text| Growing { at, text: mem::take(text) });
        }
        if let Some(growing) = &mut self.growing {
            growing.text.push_str(&delta.text);
        }
    }

    /// Puts the text that grows back to its place.
    fn settle(&mut self) {
        if let Some(Growing { at, text }) = self.growing.take()
            && let Some(place) = at.text(&mut self.output)
        {
            *place = text;
        }
    }

    fn add_whole(&mut self, whole: &Whole) {
        match whole.kind {
            EventKind::Created | EventKind::Queued | EventKind::InProgress => {
                self.shown = Some(whole.clone());
            }
            EventKind::Completed | EventKind::Failed | EventKind::Incomplete => {
                self.shown = Some(whole.clone());
                self.ended = true;
            }
            EventKind::OutputItemAdded | EventKind::OutputItemDone => self.set_item(&whole.body),
            EventKind::ContentPartAdded | EventKind::ContentPartDone => {
                self.set_part(&whole.body, "content");
            }
            EventKind::ReasoningSummaryPartAdded | EventKind::ReasoningSummaryPartDone => {
                self.set_part(&whole.body, "summary");
            }
            _ => {}
        }
    }

    fn set_item(&mut self, body: &str) {
        let Ok(ItemBody { output_index, item }) = serde_json::from_str(body) else { return };
        self.settle();
        put(&mut self.output, output_index, item.into());
    }

    fn set_part(&mut self, body: &str, list: &str) {
        let Ok(PartBody { output_index, part_index, part }) = serde_json::from_str(body) else { return };
        self.settle();
        if let Some(Value::Object(item)) = self.output.get_mut(output_index)
            && let Value::Array(parts) = item.entry(list).or_insert_with(|| Value::Array(Vec::new()))
        {
            put(parts, part_index, part);
        }
    }
}

/// An event that shows an item.
#[derive(Deserialize)]
struct ItemBody {
    output_index: usize,
    item: Map<String, Value>,
}

/// An event that shows a part of one.
#[derive(Deserialize)]
struct PartBody {
    output_index: usize,
    #[serde(alias = "content_index", alias = "summary_index")]
    part_index: usize,
    part: Value,
}

impl Place {
    /// The text there.
    fn text(self, output: &mut [Value]) -> Option<&mut String> {
        let item = output.get_mut(self.output_index as usize)?;
        let (list, member) = match self.kind {
            DeltaKind::FunctionArguments => return string(item.get_mut("arguments")?),
            DeltaKind::ReasoningSummary => ("summary", "text"),
            DeltaKind::Refusal => ("content", "refusal"),
            DeltaKind::OutputText | DeltaKind::Reasoning => ("content", "text"),
        };
        string(item.get_mut(list)?.get_mut(self.part_index as usize)?.get_mut(member)?)
    }
}

const fn string(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Sets element `at`, or appends it if it is the next; anything further out is not of a well-formed stream.
fn put(list: &mut Vec<Value>, at: usize, value: Value) {
    if at == list.len() {
        list.push(value);
    } else if let Some(slot) = list.get_mut(at) {
        *slot = value;
    }
}
