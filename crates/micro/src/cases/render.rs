//! A delta as the bytes of a frame, in each encoding. Each event has a frame of its own, as it has for a client that keeps up.

use std::hint::black_box;

use protocol::{Dialect, session::Encoding};
use stream::{Event, ResponseId, Sequence};

use crate::{
    case::Run,
    samples::{deltas, response},
};

/// The number of the first event, of as many digits as most have.
const FIRST: Sequence = 500;

pub(crate) fn sse() -> Run {
    text(protocol::sse_frame)
}

pub(crate) fn websocket() -> Run {
    text(protocol::event_json)
}

pub(crate) fn messagepack() -> Run {
    binary(Encoding::MessagePack)
}

pub(crate) fn protobuf() -> Run {
    binary(Encoding::Protobuf)
}

type Render = fn(&mut String, ResponseId, Sequence, &Event, Option<&str>, Option<Sequence>);

fn text(render: Render) -> Run {
    let id = response(0);
    let events: Vec<Event> = deltas(id).collect();
    let mut frame = String::new();
    Box::new(move || {
        for (sequence, event) in (FIRST..).zip(&events) {
            frame.clear();
            render(&mut frame, id, sequence, black_box(event), None, None);
            black_box(&frame);
        }
    })
}

fn binary(encoding: Encoding) -> Run {
    let id = response(0);
    let events: Vec<Event> = deltas(id).collect();
    let mut batch = encoding.batch().expect("a binary encoding");
    Box::new(move || {
        for (sequence, event) in (FIRST..).zip(&events) {
            batch.push_event(Dialect::Standard, id, sequence, black_box(event), None, None);
            black_box(batch.take());
        }
    })
}
