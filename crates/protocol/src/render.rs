//! Events as the bytes of a frame: the hot path.
//!
//! Every token of every client passes here once. So nothing goes through a [`serde_json::Value`] or a formatter, and
//! nothing is allocated but growth of the buffer, which the caller uses again.

use std::fmt::Write as _;

use stream::{Delta, DeltaKind, Event, ResponseId, Sequence};

use crate::{Dialect, event::part_index_name};

/// What ends an SSE stream.
pub const SSE_DONE: &str = "data: [DONE]\n\n";

/// The member that tells how many events a merged delta stands for: the sequence number of the first.
const MERGED_FROM: &str = "narthex:merged_from";

/// Appends the event as one JSON object.
///
/// In a lane it echoes `stream_id`. Where several deltas are told as one, `sequence` is that of the last and `merged_from`
/// that of the first; to resume after the event is then to resume after all of them.
pub fn event_json(
    out: &mut String,
    response: ResponseId,
    sequence: Sequence,
    event: &Event,
    stream_id: Option<&str>,
    merged_from: Option<Sequence>,
) {
    Dialect::Standard.event_json(out, response, sequence, event, stream_id, merged_from);
}

/// Appends the event as one frame of Server-Sent Events.
pub fn sse_frame(
    out: &mut String,
    response: ResponseId,
    sequence: Sequence,
    event: &Event,
    stream_id: Option<&str>,
    merged_from: Option<Sequence>,
) {
    Dialect::Standard.sse_frame(out, response, sequence, event, stream_id, merged_from);
}

impl Dialect {
    /// As [`event_json`], in the names of this dialect.
    pub fn event_json(
        self,
        out: &mut String,
        response: ResponseId,
        sequence: Sequence,
        event: &Event,
        stream_id: Option<&str>,
        merged_from: Option<Sequence>,
    ) {
        out.push_str("{\"type\":\"");
        out.push_str(self.event_name(event.kind()));
        out.push_str("\",\"sequence_number\":");
        push_number(out, sequence);
        match event {
            Event::Delta(delta) => push_delta(out, response, delta),
            Event::Whole(whole) => push_members(out, &whole.body),
        }
        if let Some(stream_id) = stream_id {
            out.push_str(",\"stream_id\":");
            push_string(out, stream_id);
        }
        if let Some(first) = merged_from {
            out.push_str(",\"");
            out.push_str(MERGED_FROM);
            out.push_str("\":");
            push_number(out, first);
        }
        out.push('}');
    }

    /// As [`sse_frame`], in the names of this dialect.
    pub fn sse_frame(
        self,
        out: &mut String,
        response: ResponseId,
        sequence: Sequence,
        event: &Event,
        stream_id: Option<&str>,
        merged_from: Option<Sequence>,
    ) {
        out.push_str("event: ");
        out.push_str(self.event_name(event.kind()));
        out.push_str("\ndata: ");
        self.event_json(out, response, sequence, event, stream_id, merged_from);
        out.push_str("\n\n");
    }
}

fn push_delta(out: &mut String, response: ResponseId, delta: &Delta) {
    out.push_str(",\"item_id\":\"");
    push_item_id(out, response, delta);
    out.push_str("\",\"output_index\":");
    push_number(out, delta.output_index.into());
    if let Some(index) = part_index_name(delta.kind) {
        out.push_str(",\"");
        out.push_str(index);
        out.push_str("\":");
        push_number(out, delta.part_index.into());
    }
    out.push_str(",\"delta\":");
    push_string(out, &delta.text);
    // The SDKs' accumulators of an answer's text expect the member, so it is there even if empty.
    if delta.kind == DeltaKind::OutputText {
        match &delta.logprobs {
            None => out.push_str(",\"logprobs\":[]"),
            Some(logprobs) => {
                out.push_str(",\"logprobs\":");
                push_line(out, logprobs);
            }
        }
    }
}

/// The members of an object that is JSON already.
fn push_members(out: &mut String, object: &str) {
    let members = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    if !members.trim().is_empty() {
        out.push(',');
        push_line(out, members);
    }
}

/// JSON that is ready, on one line: a line break, which only white space between tokens can hold, would end an SSE frame.
pub(crate) fn push_line(out: &mut String, json: &str) {
    if !json.bytes().any(|b| b == b'\n' || b == b'\r') {
        return out.push_str(json);
    }
    for (i, line) in json.split(['\n', '\r']).enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(line);
    }
}

/// The same as [`Delta::item_id`], without a string of its own.
fn push_item_id(out: &mut String, response: ResponseId, delta: &Delta) {
    out.push_str(delta.kind.item_kind().prefix());
    out.push('_');
    push_hex(out, response.random_bits().to_be_bytes());
    match u16::try_from(delta.output_index) {
        Ok(index) => push_hex(out, index.to_be_bytes()),
        // No response has so many items; the id is still the same as everywhere else.
        Err(_) => drop(write!(out, "{:x}", delta.output_index)),
    }
}

fn push_hex<const N: usize>(out: &mut String, bytes: [u8; N]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digits = bytes.map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]]);
    out.push_str(str::from_utf8(digits.as_flattened()).unwrap_or_default());
}

pub(crate) fn push_number(out: &mut String, number: u64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Appends `text` as a JSON string. Only what JSON requires is escaped, and runs between escapes are copied whole.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        // An ASCII byte stands at a character boundary, so neither slice can be cut wrong.
        out.push_str(&text[copied..at]);
        push_escape(out, byte);
        copied = at + 1;
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

#[cold]
fn push_escape(out: &mut String, byte: u8) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        _ => {
            // Cannot fail: a string takes whatever is written.
            let _ = write!(out, "\\u{byte:04x}");
        }
    }
}
