//! The frames of a WebSocket in Protobuf.
//!
//! A frame is nothing but its entries, so that it is written by appending to it. A delta is written field by field, as the
//! generated type would want a string of its own for every token.

use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len},
};
use stream::{Delta, Sequence};

use crate::{Invalid, generated};

pub use crate::generated::{ClientFrame, ServerFrame, TextDelta, server_entry::Entry};

/// The field `entries` of a frame, and those of an entry.
const ENTRIES: u32 = 1;
const DELTA: u32 = 1;

/// Appends a delta to a frame.
pub fn push_delta(
    frame: &mut Vec<u8>,
    sequence: Sequence,
    delta: &Delta,
    stream_id: Option<&str>,
    merged_from: Option<Sequence>,
) {
    let numbers = [
        (1, Some(delta.kind.event_kind() as u64)),
        (2, Some(sequence)),
        (3, Some(delta.output_index.into())),
        (4, Some(delta.part_index.into())),
        (7, merged_from),
    ];
    let texts = [(5, Some(&*delta.text)), (6, stream_id), (8, delta.logprobs.as_deref())];
    let numbers = numbers.into_iter().filter_map(|(tag, number)| Some((tag, number?)));
    let texts = texts.into_iter().filter_map(|(tag, text)| Some((tag, text?)));

    let length =
        numbers.clone().map(|(tag, number)| key_len(tag) + encoded_len_varint(number)).sum::<usize>()
            + texts.clone().map(|(tag, text)| field_len(tag, text.len())).sum::<usize>();
    push_head(frame, ENTRIES, field_len(DELTA, length));
    push_head(frame, DELTA, length);
    for (tag, number) in numbers {
        encode_key(tag, WireType::Varint, frame);
        encode_varint(number, frame);
    }
    for (tag, text) in texts {
        push_head(frame, tag, text.len());
        frame.extend_from_slice(text.as_bytes());
    }
}

/// Appends any other event to a frame, or what else a gateway says: a JSON object.
pub fn push_event(frame: &mut Vec<u8>, json: String) {
    let entry = generated::ServerEntry { entry: Some(Entry::Event(json)) };
    push_head(frame, ENTRIES, entry.encoded_len());
    entry.encode_raw(frame);
}

/// The JSON object in a client's frame.
///
/// # Errors
/// When the bytes are no such frame.
pub fn client_message(frame: &[u8]) -> Result<String, Invalid> {
    Ok(ClientFrame::decode(frame)?.message)
}

fn push_head(frame: &mut Vec<u8>, tag: u32, length: usize) {
    encode_key(tag, WireType::LengthDelimited, frame);
    encode_varint(length as u64, frame);
}

const fn field_len(tag: u32, length: usize) -> usize {
    key_len(tag) + encoded_len_varint(length as u64) + length
}
