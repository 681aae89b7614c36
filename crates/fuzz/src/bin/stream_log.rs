//! The rules of a stream, for any sequence of what is asked of it, with events that say anything.
//!
//! The events that count are numbered 0, 1, 2, … without a gap; nothing follows the terminal one; what is refused changes nothing;
//! what is read, merged or rendered is what was appended.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::{sync::Arc, time::Duration};

use broker::{Header, OpenMode, check_events, rules::Stream};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use protocol::{event_json, merge};
use serde_json::{Map, Value};
use stream::{Assembler, Delta, Epoch, Event, EventKind, Record, ResponseId, Whole};

#[derive(Debug, Arbitrary)]
enum Ask<'a> {
    Open {
        only_if_new: bool,
    },
    /// Epoch and number, as far from those that are right.
    Append {
        epoch: i8,
        first: i8,
        events: Vec<Told<'a>>,
    },
    Read {
        from: u8,
        max_bytes: u16,
    },
}

#[derive(Debug, Arbitrary)]
struct Told<'a> {
    kind: u8,
    form: u8,
    output_index: u8,
    part_index: u8,
    text: &'a str,
}

fuzz_target!(|asks: Vec<Ask<'_>>| {
    let created = Event::Whole(Whole { kind: EventKind::Created, body: r#"{"response":{}}"#.into() });
    let first = Record { epoch: Epoch(0), first: 0, events: vec![created] };
    let mut stream = Stream::new(Header::default(), Arc::new(first), Duration::ZERO);
    let mut epoch = Epoch(0);
    for ask in asks {
        let (next, ended) = (stream.records().last().map_or(0, |last| last.next()), stream.has_ended());
        match ask {
            Ask::Open { only_if_new } => {
                let mode = if only_if_new { OpenMode::IfNeverOpened } else { OpenMode::TakeOver };
                match stream.open(mode) {
                    Ok(opened) => assert!(opened > std::mem::replace(&mut epoch, opened) && !ended),
                    Err(_) => assert!(ended || only_if_new),
                }
            }
            Ask::Append { epoch: of, first, events } => {
                let events: Vec<Event> = events.iter().map(event).collect();
                let first = next.saturating_add_signed(first.into());
                let of = Epoch(epoch.0.saturating_add_signed(of.into()));
                let before = stream.records().len();
                if check_events(&events).is_err() {
                    continue;
                }
                let added = stream.append(Arc::new(Record { epoch: of, first, events }));
                let is_new = stream.records().len() > before;
                assert!(added.is_ok() || !is_new);
                assert!(!is_new || (of == epoch && first == next && !ended));
            }
            Ask::Read { from, max_bytes } => {
                let page = stream.read(from.into(), max_bytes.into());
                assert!(page.records.first().is_none_or(|record| record.next() > from.into()));
                assert_eq!(page.records.is_empty(), u64::from(from) >= next);
            }
        }
    }
    check(stream.records());
});

fn check(records: &[Arc<Record>]) {
    let told: Vec<_> = records.iter().flat_map(|record| record.events_from(record.first)).collect();
    let (mut assembler, id) = (Assembler::new(), ResponseId::from_parts(0, 1));
    for (at, (sequence, event)) in told.iter().enumerate() {
        assembler.push(*sequence, event).expect("no gap");
        assert!(!event.is_terminal() || at + 1 == told.len());
        let _ = assembler.response();
        let mut json = String::new();
        event_json(&mut json, id, *sequence, event, Some("lane"), None);
        assert!(!json.contains(['\n', '\r']), "{json}");
        if is_well_formed(event) {
            let read: Value = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
            assert_eq!((&read["sequence_number"], &read["stream_id"]), (&(*sequence).into(), &"lane".into()));
        }
    }
    let (mut next, mut text) = (0, String::new());
    for merged in merge(told.iter().copied(), 64) {
        assert_eq!((merged.first, next <= merged.last), (next, true));
        next = merged.last + 1;
        text.push_str(text_of(&merged.event));
    }
    assert_eq!(next, told.len() as u64);
    assert_eq!(text, told.iter().map(|(_, event)| text_of(event)).collect::<String>());
}

/// Whether an event says what it may: members, and none that belong to the frame.
fn is_well_formed(event: &Event) -> bool {
    let Event::Whole(whole) = event else { return true };
    let body = serde_json::from_str::<Map<String, Value>>(&whole.body);
    body.is_ok_and(|body| !body.contains_key("sequence_number"))
}

fn text_of(event: &Event) -> &str {
    match event {
        Event::Delta(delta) => &delta.text,
        Event::Whole(whole) => &whole.body,
    }
}

fn event(told: &Told<'_>) -> Event {
    let Told { kind, form, output_index, part_index, text } = told;
    let kind = EventKind::ALL[usize::from(*kind) % EventKind::ALL.len()];
    let (output_index, part_index) = (u32::from(*output_index), u32::from(*part_index));
    let Some(kind_of_delta) = kind.delta() else {
        let body = match form % 8 {
            0 => (*text).to_owned(),
            1 => format!("{{\"response\":{text}}}"),
            2 => format!("{{\"output_index\":{output_index},\"item\":{text}}}"),
            3 => {
                format!("{{\"output_index\":{output_index},\"content_index\":{part_index},\"part\":{text}}}")
            }
            4 => {
                format!("{{\"output_index\":{output_index},\"summary_index\":{part_index},\"part\":{text}}}")
            }
            5 => {
                format!("{{\"output_index\":{output_index},\"item\":{{\"content\":{text},\"summary\":[]}}}}")
            }
            6 => format!(
                "{{\"output_index\":{output_index},\"content_index\":{part_index},\"part\":{{\"text\":\"\"}}}}"
            ),
            _ => r#"{"response":{"output":[]}}"#.to_owned(),
        };
        return Event::Whole(Whole { kind, body: body.into() });
    };
    let logprobs = (form % 2 == 1).then(|| "[]".into());
    Event::Delta(Delta { kind: kind_of_delta, output_index, part_index, text: (*text).into(), logprobs })
}
