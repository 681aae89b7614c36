//! What a server says, as far as it matters here. Of each frame only that is read, and nothing is copied that need not be.

use std::borrow::Cow;

use prost::Message as _;
use proto::socket::{Entry, ServerFrame};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// One thing that a server said.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard<'a> {
    /// A piece of what the model says. Without a text, it is not a part of the answer's text.
    Piece { numbers: Option<(u64, u64)>, text: Option<&'a str> },
    /// The text as a whole.
    Whole { number: u64, text: &'a str },
    /// The stream's id.
    Created { number: u64, response: &'a str },
    /// Any other event of the stream.
    Other { number: u64 },
    /// The stream is over. `Err` with a code if it failed.
    End { number: Option<u64>, outcome: Result<(), &'a str> },
    /// Not a stream at all: a code.
    Refused(&'a str),
    /// The first ping of a connection.
    Pinged,
    /// Nothing about the stream.
    Aside,
}

/// What cannot be understood is told as a refusal with this code.
const GARBLED: Heard<'static> = Heard::Refused("garbled");

/// A string that borrows where it can. Within an `Option`, a `Cow` by itself would always be a copy.
#[derive(Debug, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    text.as_ref().map(|text| &*text.0)
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    sequence_number: Option<u64>,
    #[serde(rename = "narthex:merged_from")]
    merged_from: Option<u64>,
    #[serde(borrow)]
    delta: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
    #[serde(borrow)]
    error: Option<Problem<'a>>,
}

#[derive(Debug, Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<Problem<'a>>,
}

#[derive(Debug, Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
}

fn code<'a>(problem: Option<&'a Problem<'_>>) -> &'a str {
    problem.and_then(|problem| text(&problem.code)).unwrap_or("error")
}

impl Event<'_> {
    fn tell(&self, take: &mut impl FnMut(Heard<'_>)) {
        let number = self.sequence_number.unwrap_or_default();
        take(match &*self.kind {
            "error" if self.sequence_number.is_none() => Heard::Refused(code(self.error.as_ref())),
            "response.output_text.done" => {
                Heard::Whole { number, text: text(&self.text).unwrap_or_default() }
            }
            "response.created" => {
                let id = self.response.as_ref().and_then(|response| text(&response.id));
                Heard::Created { number, response: id.unwrap_or_default() }
            }
            "response.completed" | "response.incomplete" => {
                Heard::End { number: Some(number), outcome: Ok(()) }
            }
            "response.failed" => {
                let error = self.response.as_ref().and_then(|response| response.error.as_ref());
                Heard::End { number: Some(number), outcome: Err(code(error)) }
            }
            kind if kind.starts_with("narthex:") => Heard::Aside,
            kind => match &self.delta {
                None => Heard::Other { number },
                Some(delta) => Heard::Piece {
                    numbers: Some((self.merged_from.unwrap_or(number), number)),
                    text: (kind == "response.output_text.delta").then_some(&*delta.0),
                },
            },
        });
    }
}

/// An event of Open Responses, in JSON.
pub(crate) fn event(json: &str, take: &mut impl FnMut(Heard<'_>)) {
    match serde_json::from_str::<Event<'_>>(json) {
        Ok(event) => event.tell(take),
        Err(_) => take(GARBLED),
    }
}

/// A frame of `narthex.v1.proto`.
pub(crate) fn protobuf(frame: &[u8], take: &mut impl FnMut(Heard<'_>)) {
    let Ok(frame) = ServerFrame::decode(frame) else { return take(GARBLED) };
    for entry in frame.entries {
        match entry.entry {
            Some(Entry::Delta(delta)) => {
                let number = delta.sequence_number;
                piece(delta.kind, number, delta.merged_from, &delta.delta, take);
            }
            Some(Entry::Event(json)) => event(&json, take),
            None => take(GARBLED),
        }
    }
}

/// A frame of `narthex.v1.msgpack`.
pub(crate) fn message_pack(frame: &[u8], take: &mut impl FnMut(Heard<'_>)) {
    let Ok(entries) = rmp_serde::from_slice::<Vec<Packed<'_>>>(frame) else { return take(GARBLED) };
    for entry in entries {
        match entry {
            Packed::Delta(kind, number, text, merged_from) => piece(kind, number, merged_from, text, take),
            Packed::Event(event) => event.tell(take),
        }
    }
}

/// The number of `response.output_text.delta` in the binary frames.
const OUTPUT_TEXT_DELTA: u32 = 11;

fn piece(kind: u32, number: u64, merged_from: Option<u64>, text: &str, take: &mut impl FnMut(Heard<'_>)) {
    let numbers = Some((merged_from.unwrap_or(number), number));
    take(Heard::Piece { numbers, text: (kind == OUTPUT_TEXT_DELTA).then_some(text) });
}

/// An entry in MessagePack: a delta is a list, any other event a map.
enum Packed<'a> {
    Delta(u32, u64, &'a str, Option<u64>),
    Event(Event<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Packed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Packed<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a delta or an event")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let short = || serde::de::Error::invalid_length(0, &"a delta");
                let kind = list.next_element()?.ok_or_else(short)?;
                let number = list.next_element()?.ok_or_else(short)?;
                let _output_index: Option<u32> = list.next_element()?;
                let _part_index: Option<u32> = list.next_element()?;
                let text = list.next_element()?.ok_or_else(short)?;
                let _stream_id: Option<IgnoredAny> = list.next_element()?;
                let merged_from: Option<Option<u64>> = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Packed::Delta(kind, number, text, merged_from.flatten()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Event::deserialize(MapAccessDeserializer::new(map)).map(Packed::Event)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A chunk of Chat Completions. Role, usage and the like are beside the text.
pub(crate) fn chunk(json: &str, take: &mut impl FnMut(Heard<'_>)) {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow, default)]
        choices: Vec<Choice<'a>>,
        #[serde(borrow)]
        error: Option<Problem<'a>>,
    }
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(borrow)]
        delta: Delta<'a>,
    }
    #[derive(Deserialize)]
    struct Delta<'a> {
        #[serde(borrow)]
        content: Option<Text<'a>>,
    }
    match serde_json::from_str::<Chunk<'_>>(json) {
        Ok(Chunk { error: Some(error), .. }) => {
            take(Heard::End { number: None, outcome: Err(code(Some(&error))) });
        }
        Ok(Chunk { choices, .. }) => {
            let content = choices.first().and_then(|choice| text(&choice.delta.content));
            if let Some(content) = content.filter(|content| !content.is_empty()) {
                take(Heard::Piece { numbers: None, text: Some(content) });
            }
        }
        Err(_) => take(GARBLED),
    }
}

/// A frame of the peers.
pub(crate) fn peer(json: &str, take: &mut impl FnMut(Heard<'_>)) {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        index: Option<u64>,
        #[serde(borrow)]
        text: Option<Text<'a>>,
    }
    take(match serde_json::from_str::<Frame<'_>>(json) {
        Ok(frame) => match (&*frame.kind, frame.index) {
            ("token", Some(index)) => {
                return take(Heard::Piece { numbers: Some((index, index)), text: text(&frame.text) });
            }
            ("done", _) => Heard::End { number: None, outcome: Ok(()) },
            ("error", _) => Heard::End { number: None, outcome: Err("peer_error") },
            _ => Heard::Aside,
        },
        Err(_) => GARBLED,
    });
}

/// The code of an HTTP error's body.
pub(crate) fn problem(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        error: Problem<'a>,
    }
    serde_json::from_slice::<Body<'_>>(body).ok().and_then(|body| Some(text(&body.error.code)?.to_owned()))
}

#[cfg(test)]
mod tests;
