//! From what a model says to what a stream says: items and parts are opened, filled and closed, in the standard's
//! order.
//!
//! Pure: outputs go in, events come out, and an [`Assembler`] that has seen the same events holds the state. So a worker
//! that takes over starts from the events in the log and is where its predecessor was.

use std::collections::BTreeMap;

use bytestring::ByteString;
use engine::{Finish, Output};
use protocol::{ApiError, ItemStatus, Outcome, Place, Request, Usage};
use serde_json::Value;
use stream::{
    Assembler, DeltaKind, Event, EventKind, ItemKind, OutOfOrder, Record, ResponseId, Sequence, Whole,
};

use crate::tally::Tally;

/// Composes the events of one response.
pub(crate) struct Composer {
    id: ResponseId,
    assembler: Assembler,
    out: Vec<Event>,
    /// Of a compaction: its text so far.
    summary: Option<String>,
    open: Option<Place>,
    logprobs: Vec<Value>,
    calls: BTreeMap<u32, Call>,
    calls_begun: u64,
    bytes: usize,
    tally: Tally,
}

/// A function call of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// It is told here.
    Told(Place),
    /// The client did not allow it: nothing of it is told.
    Suppressed,
}

/// How a response ends, with all that is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model said all it wanted.
    Completed,
    /// It was cut off; the reason is the standard's.
    Incomplete(&'static str),
    /// Someone cancelled it, or nobody listens any more.
    Cancelled,
    /// Something broke.
    Failed(ApiError),
}

impl Ending {
    /// The ending in the protocol's terms.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Completed => Outcome::Completed,
            Self::Incomplete(reason) => Outcome::Incomplete { reason: (*reason).to_owned() },
            Self::Cancelled => Outcome::Cancelled,
            Self::Failed(error) => Outcome::Failed {
                code: error.code.clone().unwrap_or_else(|| error.error_type.name().to_owned()),
                message: error.message.clone(),
            },
        }
    }
}

impl Composer {
    /// A composer that carries on after `records`: the whole stream so far. If they are not all there, it is where the first
    /// gap is, and all it can do is to [`end`](Self::end).
    ///
    /// A compaction tells nothing until its end, when the text becomes one item.
    pub(crate) fn resume(
        id: ResponseId,
        is_compaction: bool,
        records: &[Record],
    ) -> (Self, Result<(), OutOfOrder>) {
        let mut composer = Self {
            id,
            assembler: Assembler::new(),
            out: Vec::new(),
            summary: is_compaction.then(String::new),
            open: None,
            logprobs: Vec::new(),
            calls: BTreeMap::new(),
            calls_begun: 0,
            bytes: 0,
            tally: Tally::default(),
        };
        let mut events = records.iter().flat_map(|record| record.events_from(record.first));
        let result = events.try_for_each(|(sequence, event)| composer.recall(sequence, event));
        composer.open = find_open_text(id, composer.assembler.output());
        composer.calls_begun = count_calls(composer.assembler.output());
        (composer, result)
    }

    /// Takes in an event of a predecessor.
    fn recall(&mut self, sequence: Sequence, event: &Event) -> Result<(), OutOfOrder> {
        self.assembler.push(sequence, event)?;
        self.count(event);
        match event {
            Event::Delta(delta) => self.recall_logprobs(delta.logprobs.as_deref()),
            Event::Whole(whole) if whole.kind == EventKind::OutputTextDone => self.logprobs.clear(),
            Event::Whole(_) => {}
        }
        Ok(())
    }

    fn recall_logprobs(&mut self, logprobs: Option<&str>) {
        if let Some(Value::Array(logprobs)) = logprobs.and_then(|text| serde_json::from_str(text).ok()) {
            self.logprobs.extend(logprobs);
        }
    }

    fn count(&mut self, event: &Event) {
        if let Event::Delta(delta) = event {
            self.tally.count(delta);
            self.bytes += delta.text.len();
        }
    }

    /// The model is called: anew, or to carry on the text that is open. What an earlier call left unsaid is forgotten.
    pub(crate) fn begin_call(&mut self, carries_on: bool) {
        self.tally.begin_call(carries_on);
        self.calls.retain(|_, call| matches!(call, Call::Told(_)));
        if let Some(summary) = &mut self.summary {
            summary.clear();
        }
    }

    /// How many tokens were told, by whomever.
    pub(crate) const fn tokens_told(&self) -> u64 {
        self.tally.told()
    }

    /// What the stream amounts to so far.
    pub(crate) const fn so_far(&mut self) -> &mut Assembler {
        &mut self.assembler
    }

    /// The text that was told and is not closed: what a prefix would be made of.
    pub(crate) fn open_text(&mut self) -> Option<&str> {
        let place = self.open.filter(|place| place.kind == DeltaKind::OutputText)?;
        self.part_of(place)?.get("text")?.as_str()
    }

    /// How many bytes of text were composed.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.summary.as_ref().map_or(0, String::len)
    }

    /// The events that were composed since the last call.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.out)
    }

    /// Tells that a worker has begun, unless an earlier one did.
    pub(crate) fn begin(&mut self) {
        if self.assembler.next() == 1
            && let Some(created) = self.assembler.shown()
        {
            let begun = protocol::in_progress(created);
            self.emit(begun.into());
        }
    }

    /// Adds one output of the model. Why it finished, when it has.
    pub(crate) fn add(&mut self, output: Output, request: &Request) -> Option<Finish> {
        match (output, &mut self.summary) {
            (output, None) => return self.add_told(output, request),
            (Output::Text { text, .. }, Some(summary)) => summary.push_str(&text),
            (Output::Usage(usage), _) => self.tally.heard(usage),
            (Output::Finish(finish), _) => return Some(finish),
            _ => {}
        }
        None
    }

    fn add_told(&mut self, output: Output, request: &Request) -> Option<Finish> {
        match output {
            Output::Text { text, logprobs } => self.text(DeltaKind::OutputText, 0, text, logprobs),
            Output::Refusal(text) => self.text(DeltaKind::Refusal, 0, text, None),
            Output::Reasoning(text) => self.text(DeltaKind::Reasoning, 0, text, None),
            Output::ReasoningSummary { part, text } => {
                self.text(DeltaKind::ReasoningSummary, part, text, None)
            }
            Output::Call { index, call_id, name } => self.call(index, &call_id, &name, request),
            Output::Arguments { index, text } => self.arguments(index, text),
            Output::Usage(usage) => self.tally.heard(usage),
            Output::Finish(finish) => return Some(finish),
        }
        None
    }

    /// Closes what is open. The terminal event is returned, for the caller to append last, with the usage that it tells.
    pub(crate) fn end(&mut self, ending: &Ending, now: u64) -> (Whole, Option<Usage>) {
        let status =
            if *ending == Ending::Completed { ItemStatus::Completed } else { ItemStatus::Incomplete };
        self.close_text(status);
        self.close_calls(status);
        if *ending == Ending::Completed
            && let Some(summary) = self.summary.take()
        {
            let item = protocol::compaction_item(self.id, 0, &protocol::compaction::encode(&summary));
            self.emit(protocol::item_added(0, &item));
            self.emit(protocol::item_done(0, &item));
        }
        if let Ending::Failed(error) = ending {
            self.emit(protocol::error_event(error));
        }
        let usage = self.tally.usage(matches!(ending, Ending::Completed | Ending::Incomplete(_)));
        let (shown, output) = self.assembler.take();
        (protocol::end(shown.as_ref(), output, usage, &ending.outcome(), now), usage)
    }

    fn emit(&mut self, event: Event) {
        // Cannot fail: the number is the assembler's own.
        let _ = self.assembler.push(self.assembler.next(), &event);
        self.count(&event);
        self.out.push(event);
    }

    // ---- text ----

    fn text(&mut self, kind: DeltaKind, part: u32, text: ByteString, logprobs: Option<Value>) {
        if text.is_empty() && logprobs.is_none() {
            return;
        }
        let place = self.place_for(kind, part);
        self.emit(place.delta(text, logprobs.as_ref().map(|value| value.to_string().into())));
        if let Some(Value::Array(logprobs)) = logprobs {
            self.logprobs.extend(logprobs);
        }
    }

    /// Where text of this kind goes: the open place, or a new part, in a new item if the open one is of another kind.
    fn place_for(&mut self, kind: DeltaKind, summary_part: u32) -> Place {
        if let Some(open) = self.open {
            let same_part = kind != DeltaKind::ReasoningSummary || open.part_index == summary_part;
            if open.kind == kind && same_part {
                return open;
            }
            if open.kind.item_kind() == kind.item_kind() {
                self.close_part(open);
            } else {
                self.close_text(ItemStatus::Completed);
            }
        }
        let output_index =
            self.open.map_or_else(|| self.add_text_item(kind.item_kind()), |open| open.output_index);
        let part_index = self.assembler.output()[output_index as usize]
            .get(part_list(kind))
            .and_then(Value::as_array)
            .map_or(0, |parts| parts.len() as u32);
        let place = Place { response: self.id, kind, output_index, part_index };
        place.part_added().into_iter().for_each(|event| self.emit(event));
        self.open = Some(place);
        place
    }

    fn add_text_item(&mut self, kind: ItemKind) -> u32 {
        let output_index = self.next_output_index();
        let item = match kind {
            ItemKind::Reasoning => protocol::reasoning_item(
                self.id,
                output_index,
                ItemStatus::InProgress,
                Vec::new(),
                Vec::new(),
            ),
            _ => protocol::message_item(self.id, output_index, ItemStatus::InProgress, Vec::new()),
        };
        self.emit(protocol::item_added(output_index, &item));
        output_index
    }

    fn next_output_index(&mut self) -> u32 {
        self.assembler.output().len() as u32
    }

    fn part_of(&mut self, place: Place) -> Option<&Value> {
        self.assembler
            .output()
            .get(place.output_index as usize)?
            .get(part_list(place.kind))?
            .get(place.part_index as usize)
    }

    fn close_part(&mut self, place: Place) {
        let member = if place.kind == DeltaKind::Refusal { "refusal" } else { "text" };
        let text =
            self.part_of(place).and_then(|part| part.get(member)?.as_str()).unwrap_or_default().to_owned();
        let logprobs = std::mem::take(&mut self.logprobs);
        self.emit(place.text_done(&text, &logprobs));
        place.part_done(&text, &logprobs).into_iter().for_each(|event| self.emit(event));
    }

    fn close_text(&mut self, status: ItemStatus) {
        if let Some(place) = self.open.take() {
            self.close_part(place);
            self.close_item(place.output_index, status);
        }
    }

    fn close_item(&mut self, output_index: u32, status: ItemStatus) {
        let Some(mut item) = self.assembler.output().get(output_index as usize).cloned() else { return };
        item["status"] = status.name().into();
        self.emit(protocol::item_done(output_index, &item));
    }

    // ---- function calls ----

    fn call(&mut self, index: u32, call_id: &str, name: &str, request: &Request) {
        let has_room = request.max_tool_calls.is_none_or(|max| self.calls_begun < max);
        if !has_room || !request.tool_choice.allows(name) {
            self.calls.insert(index, Call::Suppressed);
            return;
        }
        self.close_text(ItemStatus::Completed);
        self.calls_begun += 1;
        let output_index = self.next_output_index();
        let item =
            protocol::function_call_item(self.id, output_index, ItemStatus::InProgress, call_id, name, "");
        self.emit(protocol::item_added(output_index, &item));
        let kind = DeltaKind::FunctionArguments;
        self.calls.insert(index, Call::Told(Place { response: self.id, kind, output_index, part_index: 0 }));
    }

    fn arguments(&mut self, index: u32, text: ByteString) {
        if let Some(Call::Told(place)) = self.calls.get(&index).copied()
            && !text.is_empty()
        {
            self.emit(place.delta(text, None));
        }
    }

    /// Calls may come interleaved, so none is closed before the end.
    fn close_calls(&mut self, status: ItemStatus) {
        for call in std::mem::take(&mut self.calls).into_values() {
            let Call::Told(place) = call else { continue };
            let item = self.assembler.output().get(place.output_index as usize);
            let arguments = item.and_then(|item| item["arguments"].as_str()).unwrap_or_default().to_owned();
            self.emit(place.text_done(&arguments, &[]));
            self.close_item(place.output_index, status);
        }
    }
}

/// The member of an item that holds parts of this kind.
const fn part_list(kind: DeltaKind) -> &'static str {
    if matches!(kind, DeltaKind::ReasoningSummary) { "summary" } else { "content" }
}

fn count_calls(output: &[Value]) -> u64 {
    output.iter().filter(|item| item["type"] == "function_call").count() as u64
}

/// The text that a predecessor left open: the last part of a message that is still in progress.
fn find_open_text(response: ResponseId, output: &[Value]) -> Option<Place> {
    let output_index = output.len().checked_sub(1)?;
    let item = &output[output_index];
    if item["status"] != "in_progress" || item["type"] != "message" {
        return None;
    }
    let part_index = item["content"].as_array()?.len().checked_sub(1)?;
    let is_refusal = item["content"][part_index]["type"] == "refusal";
    let kind = if is_refusal { DeltaKind::Refusal } else { DeltaKind::OutputText };
    Some(Place { response, kind, output_index: output_index as u32, part_index: part_index as u32 })
}
