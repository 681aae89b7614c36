//! A record to and from the bytes that brokers carry. Four events are a record, as under some load.

use std::{hint::black_box, time::UNIX_EPOCH};

use stream::{Epoch, Event};

use crate::{
    case::Run,
    samples::{deltas, response},
};

const EVENTS_OF_A_RECORD: usize = 4;

pub(crate) fn encode() -> Run {
    let events: Vec<Event> = deltas(response(0)).collect();
    Box::new(move || {
        for (first, events) in (0..).step_by(EVENTS_OF_A_RECORD).zip(events.chunks(EVENTS_OF_A_RECORD)) {
            black_box(proto::encode_record(Epoch(1), first, black_box(events), UNIX_EPOCH));
        }
    })
}

pub(crate) fn decode() -> Run {
    let events: Vec<Event> = deltas(response(0)).collect();
    let records: Vec<_> = (0..)
        .step_by(EVENTS_OF_A_RECORD)
        .zip(events.chunks(EVENTS_OF_A_RECORD))
        .map(|(first, events)| proto::encode_record(Epoch(1), first, events, UNIX_EPOCH))
        .collect();
    Box::new(move || {
        for record in &records {
            black_box(proto::decode_record(black_box(record)).expect("a record"));
        }
    })
}
