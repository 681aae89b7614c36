use serde_json::json;

use super::*;

fn delta(text: &str) -> Event {
    Event::Delta(Delta {
        kind: DeltaKind::OutputText,
        output_index: 0,
        part_index: 0,
        text: text.into(),
        logprobs: None,
    })
}

fn whole(kind: EventKind, body: serde_json::Value) -> Event {
    Event::Whole(Whole { kind, body: body.to_string().into() })
}

#[test]
fn an_id_survives_its_text() {
    let id = ResponseId::random(7);
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(id.partition(), 7);
    assert!(id.to_string().starts_with("resp_0007"));
    for start in [0, 1, 0x1234_5678, u32::MAX] {
        let id = id.with_start(start);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!((id.partition(), id.start()), (7, start));
    }
}

#[test]
fn what_is_not_an_id_is_refused() {
    for text in ["", "resp_", "resp_00zz", "msg_0000", "resp_+00000000000000000000000000000000000", "RESP_0"]
    {
        assert_eq!(text.parse::<ResponseId>(), Err(InvalidResponseId), "{text}");
    }
    let (no_start, short_start) =
        (format!("resp_0000{:08x}{:032x}", 0, 1), format!("resp_0000{:07x}{:032x}", 1, 1));
    for text in [no_start, short_start] {
        assert_eq!(text.parse::<ResponseId>(), Err(InvalidResponseId), "{text}");
    }
    let upper = ResponseId::from_parts(0, u128::MAX).to_string().replace('f', "F");
    assert_eq!(upper.parse::<ResponseId>(), Err(InvalidResponseId));
}

#[test]
fn every_event_type_has_a_number_of_its_own() {
    for kind in EventKind::ALL {
        assert_eq!(EventKind::from_number(*kind as u8), Some(*kind));
    }
    assert_eq!(EventKind::from_number(0), None);
}

#[test]
fn deltas_add_up_to_the_response() {
    let mut assembler = Assembler::new();
    let events = [
        whole(EventKind::Created, json!({"response": {"id": "r", "output": []}})),
        whole(
            EventKind::OutputItemAdded,
            json!({"output_index": 0, "item": {"type": "message", "content": []}}),
        ),
        whole(
            EventKind::ContentPartAdded,
            json!({"output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": ""}}),
        ),
        delta("Hel"),
        delta("lo"),
    ];
    for (sequence, event) in (0..).zip(&events) {
        assembler.push(sequence, event).unwrap();
    }
    assert_eq!(assembler.response().unwrap()["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(assembler.push(9, &delta("x")), Err(OutOfOrder { expected: 5, got: 9 }));
}

#[test]
fn texts_grow_side_by_side_and_are_there_whenever_somebody_looks() {
    let mut assembler = Assembler::new();
    let call = |output_index: u32| {
        let item = json!({"type": "function_call", "arguments": ""});
        whole(EventKind::OutputItemAdded, json!({"output_index": output_index, "item": item}))
    };
    let says = |output_index, text: &str| {
        let kind = DeltaKind::FunctionArguments;
        Event::Delta(Delta { kind, output_index, part_index: 0, text: text.into(), logprobs: None })
    };
    let told = [
        (call(0), ["", ""]),
        (says(0, "a"), ["a", ""]),
        (says(0, "b"), ["ab", ""]),
        (call(1), ["ab", ""]),
        (says(1, "c"), ["ab", "c"]),
        (says(0, "d"), ["abd", "c"]),
        // There is no such place, and no text.
        (says(7, "x"), ["abd", "c"]),
        (delta("x"), ["abd", "c"]),
        (says(1, "e"), ["abd", "ce"]),
    ];
    let texts = |assembler: &mut Assembler| -> Vec<String> {
        assembler.output().iter().filter_map(|item| Some(item["arguments"].as_str()?.to_owned())).collect()
    };
    let mut unseen = Assembler::new();
    for (sequence, (event, expected)) in (0..).zip(&told) {
        assembler.push(sequence, event).unwrap();
        unseen.push(sequence, event).unwrap();
        let seen = texts(&mut assembler);
        assert_eq!(seen[..], expected[..seen.len()], "after event {sequence}");
    }
    assert_eq!(texts(&mut unseen), ["abd", "ce"]);
}

#[test]
fn what_is_no_object_is_no_response_and_no_item() {
    let mut assembler = Assembler::new();
    let created = whole(EventKind::Created, json!({"response": "r"}));
    let added = whole(EventKind::OutputItemAdded, json!({"output_index": 0, "item": [1]}));
    for (sequence, event) in (0..).zip([created, added]) {
        assembler.push(sequence, &event).unwrap();
        assert_eq!((assembler.response(), assembler.output()), (None, &[][..]));
    }
}
