use proptest::prelude::*;
use serde_json::{Value, json};
use stream::{Delta, DeltaKind, Event, EventKind, ResponseId, Whole};

use super::{ID, delta, text};
use crate::{Dialect, Place, event_json, sse_frame};

fn json_of(event: &Event, stream_id: Option<&str>, merged_from: Option<u64>) -> Value {
    let mut out = String::new();
    event_json(&mut out, ID, 3, event, stream_id, merged_from);
    serde_json::from_str(&out).expect("an event is JSON")
}

#[test]
fn a_delta_is_told_in_the_order_of_the_standard() {
    let mut out = String::new();
    event_json(&mut out, ID, 3, &text("Hi \"you\"\n\u{1}"), None, None);
    insta::assert_snapshot!(out, @r#"{"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_00000000000000000123456789abcdef0000","output_index":0,"content_index":0,"delta":"Hi \"you\"\n\u0001","logprobs":[]}"#);
}

#[test]
fn an_sse_frame_names_its_type_twice() {
    let mut out = String::new();
    sse_frame(&mut out, ID, 9, &delta(DeltaKind::FunctionArguments, 2, 0, "{}"), Some("a.b"), Some(4));
    insta::assert_snapshot!(out, @r#"
    event: response.function_call_arguments.delta
    data: {"type":"response.function_call_arguments.delta","sequence_number":9,"item_id":"fc_00000000000000000123456789abcdef0002","output_index":2,"delta":"{}","stream_id":"a.b","narthex:merged_from":4}

    "#);
}

#[test]
fn whole_events_keep_their_members() {
    let event = Event::Whole(Whole {
        kind: EventKind::Created,
        body: json!({"response": {"id": "r"}}).to_string().into(),
    });
    assert_eq!(
        json_of(&event, Some("s"), None),
        json!({"type": "response.created", "sequence_number": 3, "response": {"id": "r"}, "stream_id": "s"})
    );
}

#[test]
fn a_body_over_several_lines_stays_in_one_frame() {
    let event =
        Event::Whole(Whole { kind: EventKind::Created, body: "{\n  \"response\":\r\n null\n}\n".into() });
    let mut out = String::new();
    sse_frame(&mut out, ID, 0, &event, None, None);
    assert_eq!(out.matches('\n').count(), 3);
    assert!(!out.contains('\r'));
}

#[test]
fn a_body_that_is_no_object_spoils_nothing() {
    for body in ["", "{", "}", "{}", " ", "[1]", "null"] {
        let event = Event::Whole(Whole { kind: EventKind::Error, body: body.into() });
        assert_eq!(json_of(&event, None, None), json!({"type": "error", "sequence_number": 3}), "{body}");
    }
}

#[test]
fn the_reasoning_has_parts_of_two_kinds() {
    let summary = Place { response: ID, kind: DeltaKind::ReasoningSummary, output_index: 0, part_index: 1 };
    assert_eq!(json_of(&summary.delta("x".into(), None), None, None)["summary_index"], 1);
    let reasoning = Place { kind: DeltaKind::Reasoning, ..summary };
    assert_eq!(json_of(&reasoning.delta("x".into(), None), None, None)["content_index"], 1);
}

#[test]
fn clients_hear_the_names_that_they_know() {
    let place = Place { response: ID, kind: DeltaKind::Reasoning, output_index: 0, part_index: 0 };
    let name = |dialect: Dialect, event: &Event| {
        let mut out = String::new();
        dialect.sse_frame(&mut out, ID, 0, event, None, None);
        let (name, data) = out.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        assert_eq!(serde_json::from_str::<Value>(data).unwrap()["type"], name);
        name.to_owned()
    };
    let (delta, done) = (place.delta("x".into(), None), place.text_done("x", &[]));
    assert_eq!(name(Dialect::Standard, &delta), "response.reasoning.delta");
    assert_eq!(name(Dialect::OpenAi, &delta), "response.reasoning_text.delta");
    assert_eq!(name(Dialect::OpenAi, &done), "response.reasoning_text.done");
    assert_eq!(name(Dialect::OpenAi, &text("x")), "response.output_text.delta");
}

#[test]
fn clients_are_known_by_their_headers() {
    let of = Dialect::of_client;
    assert_eq!(of(Some("js"), Some("my-app")), Dialect::OpenAi);
    assert_eq!(of(None, Some("AsyncOpenAI/Python 3.54.0")), Dialect::OpenAi);
    assert_eq!(of(None, Some("ai/6.0 ai-sdk/openai/3.0")), Dialect::OpenAi);
    assert_eq!(of(None, Some("curl/8.5")), Dialect::Standard);
    assert_eq!(of(None, None), Dialect::Standard);
}

proptest! {
    #[test]
    fn any_text_survives(
        text in any::<String>(),
        random in any::<u128>(),
        output_index in any::<u32>(),
        part_index in any::<u32>(),
        sequence in any::<u64>(),
        kind in prop::sample::select(vec![
            DeltaKind::OutputText, DeltaKind::Refusal, DeltaKind::Reasoning, DeltaKind::ReasoningSummary,
            DeltaKind::FunctionArguments,
        ]),
        lane in prop::option::of(any::<String>()),
    ) {
        let id = ResponseId::from_parts(1, random);
        let delta = Delta { kind, output_index, part_index, text: text.as_str().into(), logprobs: None };
        let item_id = delta.item_id(id);
        let mut frame = String::new();
        sse_frame(&mut frame, id, sequence, &Event::Delta(delta), lane.as_deref(), None);
        prop_assert_eq!(frame.matches('\n').count(), 3);
        let json: Value = serde_json::from_str(frame.split_once("\ndata: ").unwrap().1).unwrap();
        prop_assert_eq!(&json["delta"], &text);
        prop_assert_eq!(&json["item_id"], &item_id);
        prop_assert_eq!(&json["sequence_number"], sequence);
        prop_assert_eq!(&json["output_index"], output_index);
        prop_assert_eq!(json.get("stream_id").and_then(Value::as_str), lane.as_deref());
    }
}
