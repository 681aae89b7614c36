use bytestring::ByteString;
use serde_json::{Value, json};
use stream::{DeltaKind, Event, EventKind};

use super::{ID, request};
use crate::{
    ApiError, ChatStream, ItemStatus, Outcome, Place, Usage, chat_completion, chat_error, created, end,
    error_event, function_call_item, item_added, item_done, lifecycle, message_item, read_error,
    reasoning_item, resource_of,
};

const LOGPROBS: &str = r#"[{"token":"Hi","logprob":-0.5,"bytes":[72,105],"top_logprobs":[]}]"#;

fn place(kind: DeltaKind, output_index: u32) -> Place {
    Place { response: ID, kind, output_index, part_index: 0 }
}

fn terminal(output: Vec<Value>, outcome: &Outcome) -> (Event, Value) {
    let usage = Usage { input_tokens: 5, cached_tokens: 1, output_tokens: 4, reasoning_tokens: 2 };
    let begun = created(ID, 1, &request(), "in_progress");
    let event = Event::from(end(Some(&begun), output, Some(usage), outcome, 2));
    let resource = resource_of(&event).unwrap();
    (event, resource)
}

/// A response that thinks, speaks and calls two functions at once.
fn events() -> (Vec<Event>, Value) {
    let (thought, said) = (place(DeltaKind::Reasoning, 0), place(DeltaKind::OutputText, 1));
    let (first, second) = (place(DeltaKind::FunctionArguments, 2), place(DeltaKind::FunctionArguments, 3));
    let logprobs: Value = serde_json::from_str(LOGPROBS).unwrap();
    let logprobs = logprobs.as_array().unwrap();
    let output = vec![
        reasoning_item(ID, 0, ItemStatus::Completed, vec![thought.part("Hm.", &[]).unwrap()], Vec::new()),
        message_item(ID, 1, ItemStatus::Completed, vec![said.part("Hi \"you\"", logprobs).unwrap()]),
        function_call_item(ID, 2, ItemStatus::Completed, "call_a", "f", "{\"x\":1}"),
        function_call_item(ID, 3, ItemStatus::Completed, "call_b", "g", "{}"),
    ];
    let (last, resource) = terminal(output.clone(), &Outcome::Completed);
    let events = vec![
        lifecycle(EventKind::Created, &resource),
        lifecycle(EventKind::InProgress, &resource),
        item_added(0, &reasoning_item(ID, 0, ItemStatus::InProgress, Vec::new(), Vec::new())),
        thought.part_added().unwrap(),
        thought.delta("Hm.".into(), None),
        item_done(0, &output[0]),
        item_added(1, &message_item(ID, 1, ItemStatus::InProgress, Vec::new())),
        said.delta("Hi".into(), Some(ByteString::from_static(LOGPROBS))),
        said.delta(" \"you\"".into(), None),
        said.text_done("Hi \"you\"", logprobs),
        item_added(2, &function_call_item(ID, 2, ItemStatus::InProgress, "call_a", "f", "")),
        item_added(3, &function_call_item(ID, 3, ItemStatus::InProgress, "call_b", "g", "")),
        first.delta("{\"x\"".into(), None),
        first.delta(":1}".into(), None),
        item_done(2, &output[2]),
        // The arguments of the second come in one piece.
        second.text_done("{}", &[]),
        item_done(3, &output[3]),
        last,
    ];
    (events, resource)
}

fn told(events: &[Event], include_usage: bool) -> String {
    let mut stream = ChatStream::new(ID, 1, "demo", include_usage);
    let mut out = String::new();
    for event in events {
        stream.event(event, &mut out);
    }
    assert!(stream.has_ended());
    out
}

#[test]
fn a_stream_in_chunks() {
    insta::assert_snapshot!(told(&events().0, true));
}

#[test]
fn chunks_add_up_to_the_completion() {
    let (events, resource) = events();
    let whole = chat_completion(&resource);
    let (mut content, mut reasoning, mut arguments) = (String::new(), String::new(), vec![String::new(); 2]);
    let frames = told(&events, false);
    for frame in frames.split_terminator("\n\n").filter(|frame| !frame.ends_with("[DONE]")) {
        let chunk: Value = serde_json::from_str(frame.strip_prefix("data: ").unwrap()).unwrap();
        assert!(chunk.get("usage").is_none());
        let delta = &chunk["choices"][0]["delta"];
        content += delta["content"].as_str().unwrap_or_default();
        reasoning += delta["reasoning_content"].as_str().unwrap_or_default();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            arguments[call["index"].as_u64().unwrap() as usize] +=
                call["function"]["arguments"].as_str().unwrap_or_default();
        }
    }
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["content"], content);
    assert_eq!(message["reasoning_content"], reasoning);
    for (i, arguments) in arguments.iter().enumerate() {
        assert_eq!(message["tool_calls"][i]["function"]["arguments"], **arguments);
    }
}

#[test]
fn a_completion() {
    insta::assert_json_snapshot!(chat_completion(&events().1));
}

#[test]
fn each_end_has_its_reason() {
    let reason = |outcome: &Outcome| {
        let (last, resource) = terminal(Vec::new(), outcome);
        let frames = told(&[last], false);
        let streamed = frames.split("\n\n").find_map(|frame| {
            let chunk: Value = serde_json::from_str(frame.strip_prefix("data: ")?).ok()?;
            chunk["choices"][0]["finish_reason"].as_str().map(str::to_owned)
        });
        let whole = chat_completion(&resource);
        let whole = whole["choices"][0]["finish_reason"].as_str().map(str::to_owned);
        let whole = whole.filter(|_| chat_error(&resource).is_none());
        assert_eq!(streamed, whole);
        whole
    };
    let incomplete = |reason: &str| Outcome::Incomplete { reason: reason.to_owned() };
    assert_eq!(reason(&Outcome::Completed).as_deref(), Some("stop"));
    assert_eq!(reason(&incomplete("max_output_tokens")).as_deref(), Some("length"));
    assert_eq!(reason(&incomplete("content_filter")).as_deref(), Some("content_filter"));
    assert_eq!(reason(&incomplete("steered")).as_deref(), Some("length"));
    assert_eq!(reason(&Outcome::Cancelled), None);
    assert_eq!(reason(&Outcome::Failed { code: "c".into(), message: "m".into() }), None);
}

#[test]
fn a_failure_is_told_once() {
    let error = ApiError::invalid("messages", "context_length_exceeded", "Too long.");
    let outcome = Outcome::Failed { code: "context_length_exceeded".into(), message: "Too long.".into() };
    let (last, resource) = terminal(Vec::new(), &outcome);
    let event = error_event(&error);
    assert_eq!(read_error(&event), Some(error));
    insta::assert_snapshot!(told(&[event, last.clone()], true));
    let alone = told(&[last], true);
    assert_eq!(alone.matches("data: {\"error\":").count(), 1);
    assert_eq!(chat_error(&resource).unwrap().code.as_deref(), Some("context_length_exceeded"));
}

#[test]
fn a_summary_stands_in_for_reasoning() {
    let part = |part_index| Place { part_index, ..place(DeltaKind::ReasoningSummary, 0) };
    let delta = |at: u32, text: &'static str| part(at).delta(text.into(), None);
    let (last, _) = terminal(Vec::new(), &Outcome::Completed);
    let frames = told(&[delta(0, "One"), delta(0, "."), delta(1, "Two."), last], false);
    let texts: Vec<_> =
        frames.split("\"reasoning_content\":").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    assert_eq!(texts, ["\"One\"", "\".\"", "\"\\n\\n\"", "\"Two.\""]);
    let parts = ["One.", "Two."].map(|text| part(0).part(text, &[]).unwrap());
    let item = reasoning_item(ID, 0, ItemStatus::Completed, Vec::new(), parts.to_vec());
    let completion = chat_completion(&terminal(vec![item], &Outcome::Completed).1);
    assert_eq!(completion["choices"][0]["message"]["reasoning_content"], "One.\n\nTwo.");
}

#[test]
fn what_is_no_event_of_ours_spoils_nothing() {
    let mut stream = ChatStream::new(ID, 1, "demo \"x\"", true);
    let mut out = String::new();
    for kind in EventKind::ALL.iter().filter(|kind| !kind.is_terminal() && kind.delta().is_none()) {
        for body in ["", "{}", "[]", "{\"output_index\":9,\"item\":{\"type\":\"function_call\"}}"] {
            stream.event(&Event::Whole(stream::Whole { kind: *kind, body: body.into() }), &mut out);
        }
    }
    stream.event(&Event::Whole(stream::Whole { kind: EventKind::Completed, body: "".into() }), &mut out);
    assert!(stream.has_ended());
    let length = out.len();
    stream.event(&super::text("late"), &mut out);
    assert_eq!(out.len(), length);
    assert!(chat_completion(&json!(null)).is_object());
    assert!(chat_error(&json!(null)).is_some());
}
