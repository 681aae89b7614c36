//! What a client was told, connection by connection.

use serde::Deserialize;
use serde_json::Value;
use stream::{ResponseId, Sequence};

/// All that one client was told of one response.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) id: Option<ResponseId>,
    /// One for each time that it was told events.
    pub(crate) tellings: Vec<Telling>,
    /// The answer, if it was asked for whole: the resource.
    pub(crate) whole: Option<Value>,
    /// The code of the error that was told instead of the response.
    pub(crate) failure: Option<String>,
}

/// What was told over one connection.
#[derive(Debug)]
pub(crate) struct Telling {
    /// The event that was asked for.
    pub(crate) from: Sequence,
    pub(crate) lane: Option<&'static str>,
    pub(crate) events: Vec<Event>,
}

/// An event, as it was told.
#[derive(Debug)]
pub(crate) struct Event {
    /// The first of the events that it stands for, and the last.
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
    pub(crate) json: String,
}

/// What a client looks at in an event.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) sequence_number: Option<Sequence>,
    #[serde(rename = "narthex:merged_from")]
    pub(super) merged_from: Option<Sequence>,
    #[serde(default)]
    pub(super) response: Named,
    pub(super) error: Option<Coded>,
    pub(super) stream_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Named {
    pub(super) id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Coded {
    pub(super) code: Option<String>,
}

impl Head {
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self.kind.as_str(), "response.completed" | "response.failed" | "response.incomplete")
    }
}

impl Seen {
    /// The number of the event that is still to come.
    pub(crate) fn next(&self) -> Sequence {
        let last = self.tellings.iter().filter_map(|telling| telling.events.last()).map(|event| event.last);
        last.max().map_or(0, |last| last + 1)
    }
}
