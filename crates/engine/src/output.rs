//! What a model says, whichever server runs it.

use bytestring::ByteString;
use protocol::Usage;
use serde_json::Value;

/// One step of a model's output.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A piece of the answer.
    Text {
        /// The text.
        text: ByteString,
        /// Log probabilities in the standard's form (an array of `LogProb`), if they were asked for.
        logprobs: Option<Value>,
    },
    /// A piece of a refusal.
    Refusal(ByteString),
    /// A piece of reasoning.
    Reasoning(ByteString),
    /// A piece of the summary of the reasoning; a new `part` begins a new part of it.
    ReasoningSummary {
        /// The part, from 0.
        part: u32,
        /// The text.
        text: ByteString,
    },
    /// The model begins to call a function.
    Call {
        /// Which of the calls of this response, from 0.
        index: u32,
        /// What the output of the call will refer to.
        call_id: String,
        /// The function.
        name: String,
    },
    /// A piece of the arguments of call `index`.
    Arguments {
        /// Which call.
        index: u32,
        /// The JSON, in pieces.
        text: ByteString,
    },
    /// What the call cost; the last one counts.
    Usage(Usage),
    /// The model is done.
    Finish(Finish),
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finish {
    /// It said all it wanted, or calls tools.
    Stop,
    /// It ran into `max_output_tokens` or the end of its context.
    Length,
    /// The model server's filter cut it off.
    ContentFilter,
}
