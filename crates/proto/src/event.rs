//! Records of a stream's log, to and from bytes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use prost::Message as _;
use stream::{Delta, Epoch, Event, EventKind, MAX_SEQUENCE, Record, Sequence, Whole};

use crate::{Invalid, generated};

/// The bytes of a record that is appended now.
pub fn encode_record(epoch: Epoch, first: Sequence, events: &[Event], now: SystemTime) -> Bytes {
    let record = generated::Record {
        epoch: epoch.0,
        first,
        events: events.iter().map(to_wire).collect(),
        appended_at_us: now.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64,
    };
    let mut bytes = BytesMut::with_capacity(record.encoded_len());
    // Cannot fail: the buffer grows.
    let _ = record.encode(&mut bytes);
    bytes.freeze()
}

/// The record in `bytes`.
///
/// # Errors
/// When the bytes are not a record, or of a type that this version does not know.
pub fn decode_record(bytes: &[u8]) -> Result<Record, Invalid> {
    decode_appended(bytes).map(|(record, _)| record)
}

/// The same, and when the record was appended, by the clock of whoever did it.
///
/// # Errors
/// As [`decode_record`].
pub fn decode_appended(bytes: &[u8]) -> Result<(Record, Option<SystemTime>), Invalid> {
    let record = generated::Record::decode(bytes)?;
    let next = record.first.checked_add(record.events.len() as u64);
    next.filter(|next| *next <= MAX_SEQUENCE).ok_or(Invalid::Part("sequence number"))?;
    let events = record.events.into_iter().map(from_wire).collect::<Result<_, _>>()?;
    let at = Some(record.appended_at_us).filter(|at| *at > 0);
    let at = at.and_then(|at| UNIX_EPOCH.checked_add(Duration::from_micros(at)));
    Ok((Record { epoch: Epoch(record.epoch), first: record.first, events }, at))
}

fn to_wire(event: &Event) -> generated::Event {
    let kind = event.kind() as u32;
    match event {
        Event::Delta(delta) => generated::Event {
            kind,
            output_index: delta.output_index,
            part_index: delta.part_index,
            text: delta.text.to_string(),
            logprobs: delta.logprobs.as_ref().map(ByteString::to_string).unwrap_or_default(),
        },
        Event::Whole(whole) => {
            generated::Event { kind, text: whole.body.to_string(), ..generated::Event::default() }
        }
    }
}

fn from_wire(event: generated::Event) -> Result<Event, Invalid> {
    let kind =
        u8::try_from(event.kind).ok().and_then(EventKind::from_number).ok_or(Invalid::Part("event type"))?;
    let text = ByteString::from(event.text);
    Ok(match kind.delta() {
        Some(kind) => Event::Delta(Delta {
            kind,
            output_index: event.output_index,
            part_index: event.part_index,
            text,
            logprobs: (!event.logprobs.is_empty()).then(|| event.logprobs.into()),
        }),
        None => Event::Whole(Whole { kind, body: text }),
    })
}
