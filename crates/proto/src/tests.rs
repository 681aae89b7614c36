use std::time::SystemTime;

use stream::{Delta, DeltaKind, Epoch, Event, EventKind, ResponseId, TraceContext, Whole};

use super::*;

#[test]
fn a_record_survives_the_wire() {
    let delta = |kind, logprobs: Option<&str>| {
        let logprobs = logprobs.map(Into::into);
        Event::Delta(Delta { kind, output_index: 3, part_index: 1, text: "Grüße 👋".into(), logprobs })
    };
    let events = [
        Event::Whole(Whole { kind: EventKind::Created, body: r#"{"response":{}}"#.into() }),
        delta(DeltaKind::OutputText, None),
        delta(DeltaKind::FunctionArguments, Some("[]")),
    ];
    let record = decode_record(&encode_record(Epoch(4), 17, &events, SystemTime::now())).unwrap();
    assert_eq!((record.epoch, record.first, record.events.as_slice()), (Epoch(4), 17, events.as_slice()));
}

#[test]
fn a_job_survives_the_wire() {
    let context = TraceContext::new(7, 8, true).unwrap().with_state("rojo=1");
    let header = Header { user: "u".into(), grace_ms: 60_000, ..Header::default() };
    let job = Job {
        id: ResponseId::random(9),
        header: header.with_trace(Some(&context)),
        kind: Kind::Compaction,
        request: bytes::Bytes::from_static(b"{}"),
        trace: Some(context.clone()),
        enqueued_at_us: 1_700_000_000_000_000,
    };
    let read = Job::decode(&job.encode()).unwrap();
    assert_eq!((read.header.trace(), &read), (Some(context), &job));
}

#[test]
fn garbage_is_an_error() {
    assert!(decode_record(b"\xff\xff\xff").is_err());
    assert!(Job::decode(b"").is_err());
    // Numbers after which there are none.
    for first in [u64::MAX, stream::MAX_SEQUENCE] {
        let event = Event::Whole(Whole { kind: EventKind::Created, body: "{}".into() });
        let record = encode_record(Epoch(0), first, &[event], std::time::UNIX_EPOCH);
        assert!(matches!(decode_record(&record), Err(Invalid::Part("sequence number"))), "{first}");
    }
    // An event type from a later version.
    assert!(matches!(decode_record(b"\x1a\x03\x08\xc8\x01"), Err(Invalid::Part("event type"))));
}

/// What was not there before is simply not there: gateways and workers of two versions run side by side.
#[test]
fn a_job_without_a_trace_is_as_it_was() {
    let job = Job {
        id: ResponseId::random(9),
        header: Header { user: "u".into(), ..Header::default() },
        kind: Kind::Response,
        request: bytes::Bytes::from_static(b"{}"),
        trace: None,
        enqueued_at_us: 0,
    };
    let bytes = job.encode();
    // Partition, start, random bits, header, request: no field beyond.
    assert_eq!(bytes.len(), 2 + 18 + 2 + 3 + 4);
    assert_eq!(Job::decode(&bytes).unwrap(), job);
}
