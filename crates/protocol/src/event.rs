//! The events that a worker makes, from typed arguments. Whatever is made here is valid by the standard's schema.

use bytestring::ByteString;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};
use stream::{Delta, DeltaKind, Event, EventKind, ResponseId, Whole};

use crate::ApiError;

/// Where a text stands: in which item and part of a response, and what kind of text it is.
///
/// All events about one text follow from it, in this order: [`part_added`](Self::part_added), any number of
/// [`delta`](Self::delta)s, [`text_done`](Self::text_done), [`part_done`](Self::part_done). A function's arguments are in
/// no part, so they have only the two in the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The response.
    pub response: ResponseId,
    /// The kind of text.
    pub kind: DeltaKind,
    /// The item's place in the output.
    pub output_index: u32,
    /// The part's place in the item; 0 for a function's arguments.
    pub part_index: u32,
}

impl Place {
    /// The id of the item that the text belongs to.
    pub fn item_id(self) -> String {
        self.response.item_id(self.kind.item_kind(), self.output_index)
    }

    /// The content part, or summary part, that holds `text`.
    pub fn part(self, text: &str, logprobs: &[Value]) -> Option<Value> {
        match self.kind {
            DeltaKind::OutputText => {
                Some(json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": logprobs }))
            }
            DeltaKind::Refusal => Some(json!({ "type": "refusal", "refusal": text })),
            DeltaKind::Reasoning => Some(json!({ "type": "reasoning_text", "text": text })),
            DeltaKind::ReasoningSummary => Some(json!({ "type": "summary_text", "text": text })),
            DeltaKind::FunctionArguments => None,
        }
    }

    /// The part begins.
    pub fn part_added(self) -> Option<Event> {
        let kind = match self.kind {
            DeltaKind::ReasoningSummary => EventKind::ReasoningSummaryPartAdded,
            _ => EventKind::ContentPartAdded,
        };
        Some(self.whole(kind, "part", &self.part("", &[])?))
    }

    /// A piece of the text; `logprobs` is a JSON array.
    pub const fn delta(self, text: ByteString, logprobs: Option<ByteString>) -> Event {
        let Self { kind, output_index, part_index, .. } = self;
        Event::Delta(Delta { kind, output_index, part_index, text, logprobs })
    }

    /// The text is whole. `logprobs` are those of all its deltas; only an answer's text has any.
    pub fn text_done(self, text: &str, logprobs: &[Value]) -> Event {
        match self.kind {
            DeltaKind::OutputText => {
                let body = Body { place: self, member: "text", value: text, logprobs: Some(logprobs) };
                whole(EventKind::OutputTextDone, &body).into()
            }
            DeltaKind::Refusal => self.whole(EventKind::RefusalDone, "refusal", text),
            DeltaKind::Reasoning => self.whole(EventKind::ReasoningDone, "text", text),
            DeltaKind::ReasoningSummary => self.whole(EventKind::ReasoningSummaryTextDone, "text", text),
            DeltaKind::FunctionArguments => {
                self.whole(EventKind::FunctionCallArgumentsDone, "arguments", text)
            }
        }
    }

    /// The part is whole.
    pub fn part_done(self, text: &str, logprobs: &[Value]) -> Option<Event> {
        let kind = match self.kind {
            DeltaKind::ReasoningSummary => EventKind::ReasoningSummaryPartDone,
            _ => EventKind::ContentPartDone,
        };
        Some(self.whole(kind, "part", &self.part(text, logprobs)?))
    }

    fn whole<T: Serialize + ?Sized>(self, kind: EventKind, member: &'static str, value: &T) -> Event {
        whole(kind, &Body { place: self, member, value, logprobs: None }).into()
    }
}

/// What an event says about a text, or a part: where it is, and one thing more.
struct Body<'a, T: ?Sized> {
    place: Place,
    member: &'static str,
    value: &'a T,
    logprobs: Option<&'a [Value]>,
}

impl<T: Serialize + ?Sized> Serialize for Body<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { place, member, value, logprobs } = self;
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("item_id", &place.item_id())?;
        body.serialize_entry("output_index", &place.output_index)?;
        if let Some(index) = part_index_name(place.kind) {
            body.serialize_entry(index, &place.part_index)?;
        }
        body.serialize_entry(member, value)?;
        if let Some(logprobs) = logprobs {
            body.serialize_entry("logprobs", logprobs)?;
        }
        body.end()
    }
}

/// The member that holds a delta's `part_index`, if it is in a part.
pub(crate) const fn part_index_name(kind: DeltaKind) -> Option<&'static str> {
    match kind {
        DeltaKind::OutputText | DeltaKind::Refusal | DeltaKind::Reasoning => Some("content_index"),
        DeltaKind::ReasoningSummary => Some("summary_index"),
        DeltaKind::FunctionArguments => None,
    }
}

/// An output item begins.
pub fn item_added(output_index: u32, item: &Value) -> Event {
    whole(EventKind::OutputItemAdded, &ItemBody { output_index, item }).into()
}

/// An output item is whole.
pub fn item_done(output_index: u32, item: &Value) -> Event {
    whole(EventKind::OutputItemDone, &ItemBody { output_index, item }).into()
}

/// What an event says about an item.
#[derive(Serialize)]
struct ItemBody<'a> {
    output_index: u32,
    item: &'a Value,
}

/// What went wrong; `response.failed` follows.
///
/// The standard nests the error and OpenAI's types have it flat, and on a WebSocket a status belongs to it: it carries
/// all three, so that every client finds it where it looks.
pub fn error_event(error: &ApiError) -> Event {
    let payload = error.coded_payload();
    let body = json!({
        "status": error.status(),
        "code": payload["code"], "message": payload["message"], "param": payload["param"],
        "error": payload,
    });
    whole(EventKind::Error, &body).into()
}

/// The error that an [`error_event`] tells, if the event is one.
///
/// The resource of a failed response has no room for its type and parameter, which decide the HTTP status.
pub fn read_error(event: &Event) -> Option<ApiError> {
    #[derive(Deserialize)]
    struct Body {
        error: ApiError,
    }
    match event {
        Event::Whole(Whole { kind: EventKind::Error, body }) => {
            serde_json::from_str::<Body>(body).ok().map(|body| body.error)
        }
        _ => None,
    }
}

/// An event with this body. It is written at once: a tree of it would cost several times as much as its text.
pub(crate) fn whole(kind: EventKind, body: &impl Serialize) -> Whole {
    // Cannot fail: nothing here has keys that are no strings.
    let body = serde_json::to_string(body).unwrap_or_default();
    Whole { kind, body: body.into() }
}
