//! Messages in MessagePack: maps with the members that JSON has, and deltas as short arrays.

use rmp::encode;
use serde::Deserialize as _;
use serde_json::Value;
use stream::{Delta, Sequence};

/// The value in a client's frame, which is nothing else.
pub(super) fn read(frame: &[u8], max_depth: usize) -> Result<Value, String> {
    let mut rest = frame;
    let mut reader = rmp_serde::Deserializer::new(&mut rest);
    // The reader counts the leaf too.
    reader.set_max_depth(max_depth.saturating_add(1));
    let value = Value::deserialize(&mut reader).map_err(|error| match error {
        rmp_serde::decode::Error::DepthLimitExceeded => {
            format!("arrays and maps may nest at most {max_depth} deep")
        }
        error => error.to_string(),
    })?;
    match rest.len() {
        0 => Ok(value),
        more => Err(format!("{more} bytes follow the message")),
    }
}

/// Appends `[kind, sequence_number, output_index, part_index, delta, stream_id, merged_from, logprobs]`; what is absent at
/// the end is left out, and `nil` before that.
pub(super) fn push_delta(
    out: &mut Vec<u8>,
    sequence: Sequence,
    delta: &Delta,
    stream_id: Option<&str>,
    merged_from: Option<Sequence>,
) {
    let more = match (stream_id, merged_from, &delta.logprobs) {
        (_, _, Some(_)) => 3,
        (_, Some(_), None) => 2,
        (Some(_), None, None) => 1,
        (None, None, None) => 0,
    };
    push_array(out, 5 + more);
    push_number(out, delta.kind.event_kind() as u64);
    push_number(out, sequence);
    push_number(out, delta.output_index.into());
    push_number(out, delta.part_index.into());
    push_text(out, &delta.text);
    match stream_id {
        Some(id) => push_text(out, id),
        None if more > 0 => out.push(NIL),
        None => {}
    }
    match merged_from {
        Some(first) => push_number(out, first),
        None if more > 1 => out.push(NIL),
        None => {}
    }
    if let Some(logprobs) = &delta.logprobs {
        push_json(out, logprobs);
    }
}

/// Appends what is JSON so far; `nil` if it is none.
pub(super) fn push_json(out: &mut Vec<u8>, json: &str) {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    // Cannot fail: the buffer grows, and JSON has nothing that MessagePack has not.
    let _ = rmp_serde::encode::write(out, &value);
}

const NIL: u8 = 0xc0;

// None of these can fail: the buffer grows.

fn push_array(out: &mut Vec<u8>, length: u32) {
    let _ = encode::write_array_len(out, length);
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    let _ = encode::write_uint(out, number);
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    let _ = encode::write_str(out, text);
}
