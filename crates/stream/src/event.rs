//! One Open Responses streaming event, in the form in which it travels from worker to gateway.
//!
//! Nearly all events are deltas, so a delta is small and typed, and the gateway renders it. All others
//! are rare; the worker makes their JSON once and the gateway only adds the sequence number. Either way
//! an event says everything by itself: a gateway that starts in the middle of a stream needs nothing that
//! came before.

use bytestring::ByteString;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{ItemKind, ResponseId};

/// One event of a stream, without its sequence number (the [`Record`](crate::Record) carries that).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A piece of text, the hot path.
    Delta(Delta),
    /// Any other event, complete.
    Whole(Whole),
}

/// A piece of an item's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// What the text is part of.
    pub kind: DeltaKind,
    /// The item's place in the response's output.
    pub output_index: u32,
    /// The place of the content part, or of the summary part, in its item; 0 for function arguments.
    pub part_index: u32,
    /// The text.
    pub text: ByteString,
    /// Log probabilities as a JSON array, if the client asked for them.
    pub logprobs: Option<ByteString>,
}

/// An event that is not a delta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The event's type.
    pub kind: EventKind,
    /// The JSON object of the event's own members: all but `type` and `sequence_number`.
    pub body: ByteString,
}

impl Whole {
    /// The response that the event shows, an object; nothing, if it is not one of those that show it.
    pub fn response(&self) -> Option<Value> {
        #[derive(Deserialize)]
        struct Body {
            response: Map<String, Value>,
        }
        serde_json::from_str::<Body>(&self.body).ok().map(|body| body.response.into())
    }
}

impl From<Whole> for Event {
    fn from(whole: Whole) -> Self {
        Self::Whole(whole)
    }
}

/// The text that a delta adds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeltaKind {
    /// The answer.
    OutputText,
    /// A refusal.
    Refusal,
    /// The model's reasoning.
    Reasoning,
    /// The summary of the reasoning.
    ReasoningSummary,
    /// The JSON arguments of a function call.
    FunctionArguments,
}

impl DeltaKind {
    /// The type of the event that carries such a delta.
    pub const fn event_kind(self) -> EventKind {
        match self {
            Self::OutputText => EventKind::OutputTextDelta,
            Self::Refusal => EventKind::RefusalDelta,
            Self::Reasoning => EventKind::ReasoningDelta,
            Self::ReasoningSummary => EventKind::ReasoningSummaryTextDelta,
            Self::FunctionArguments => EventKind::FunctionCallArgumentsDelta,
        }
    }

    /// The kind of item that such text belongs to.
    pub const fn item_kind(self) -> ItemKind {
        match self {
            Self::OutputText | Self::Refusal => ItemKind::Message,
            Self::Reasoning | Self::ReasoningSummary => ItemKind::Reasoning,
            Self::FunctionArguments => ItemKind::FunctionCall,
        }
    }
}

impl Delta {
    /// The id of the item that the text belongs to.
    pub fn item_id(&self, response: ResponseId) -> String {
        response.item_id(self.kind.item_kind(), self.output_index)
    }

    /// Whether `next` continues the same text, so that the two may be told as one.
    pub fn continues_with(&self, next: &Self) -> bool {
        self.kind == next.kind && self.output_index == next.output_index && self.part_index == next.part_index
    }
}

impl Event {
    /// The event's type.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Delta(delta) => delta.kind.event_kind(),
            Self::Whole(whole) => whole.kind,
        }
    }

    /// Whether the stream ends with this event.
    pub const fn is_terminal(&self) -> bool {
        self.kind().is_terminal()
    }

    /// About how many bytes the event holds: what bounds of buffers are counted in.
    pub fn weight(&self) -> usize {
        match self {
            Self::Delta(delta) => delta.text.len() + delta.logprobs.as_ref().map_or(0, |l| l.len()),
            Self::Whole(whole) => whole.body.len(),
        }
    }
}

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal;)*) => {
        /// The type of an event. The numbers are on the wire between worker and gateway: never reuse one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum EventKind { $($(#[$doc])* $variant = $number,)* }

        impl EventKind {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The `type` member of the Open Responses event.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type with this number on the wire.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

event_kinds! {
    /// The response was accepted.
    Created = 1, "response.created";
    /// The response waits for a worker.
    Queued = 2, "response.queued";
    /// A worker produces the response.
    InProgress = 3, "response.in_progress";
    /// The response is whole.
    Completed = 4, "response.completed";
    /// The response ended with an error.
    Failed = 5, "response.failed";
    /// The response ended early.
    Incomplete = 6, "response.incomplete";
    /// An output item begins.
    OutputItemAdded = 7, "response.output_item.added";
    /// An output item is whole.
    OutputItemDone = 8, "response.output_item.done";
    /// A content part begins.
    ContentPartAdded = 9, "response.content_part.added";
    /// A content part is whole.
    ContentPartDone = 10, "response.content_part.done";
    /// A piece of the answer.
    OutputTextDelta = 11, "response.output_text.delta";
    /// The answer's text is whole.
    OutputTextDone = 12, "response.output_text.done";
    /// A piece of a refusal.
    RefusalDelta = 13, "response.refusal.delta";
    /// A refusal is whole.
    RefusalDone = 14, "response.refusal.done";
    /// A piece of reasoning.
    ReasoningDelta = 15, "response.reasoning.delta";
    /// Reasoning is whole.
    ReasoningDone = 16, "response.reasoning.done";
    /// A part of a reasoning summary begins.
    ReasoningSummaryPartAdded = 17, "response.reasoning_summary_part.added";
    /// A part of a reasoning summary is whole.
    ReasoningSummaryPartDone = 18, "response.reasoning_summary_part.done";
    /// A piece of a reasoning summary.
    ReasoningSummaryTextDelta = 19, "response.reasoning_summary_text.delta";
    /// The text of a reasoning summary is whole.
    ReasoningSummaryTextDone = 20, "response.reasoning_summary_text.done";
    /// A piece of a function call's arguments.
    FunctionCallArgumentsDelta = 21, "response.function_call_arguments.delta";
    /// A function call's arguments are whole.
    FunctionCallArgumentsDone = 22, "response.function_call_arguments.done";
    /// An annotation was added to the answer.
    OutputTextAnnotationAdded = 23, "response.output_text.annotation.added";
    /// What went wrong, before the stream ends as failed.
    Error = 24, "error";
}

impl EventKind {
    /// Whether a stream ends with an event of this type.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Incomplete)
    }

    /// The kind of delta that this type carries, if it is one.
    pub const fn delta(self) -> Option<DeltaKind> {
        match self {
            Self::OutputTextDelta => Some(DeltaKind::OutputText),
            Self::RefusalDelta => Some(DeltaKind::Refusal),
            Self::ReasoningDelta => Some(DeltaKind::Reasoning),
            Self::ReasoningSummaryTextDelta => Some(DeltaKind::ReasoningSummary),
            Self::FunctionCallArgumentsDelta => Some(DeltaKind::FunctionArguments),
            _ => None,
        }
    }
}
