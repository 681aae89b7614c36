use std::collections::VecDeque;

use serde_json::{Value, json};
use sse_stream::Sse;

use crate::{
    Error, Fault, Finish, Output, Usage,
    responses::stream::ResponsesStream,
    upstream::{Progress, Translate as _},
};

fn outputs(events: &[Value]) -> (Vec<Output>, Result<Progress, Error>) {
    let (mut stream, mut out) = (ResponsesStream::default(), VecDeque::new());
    let mut progress = Ok(Progress::More);
    for event in events {
        progress = stream.event(&Sse::default().data(event.to_string()), &mut out);
    }
    (out.into(), progress)
}

fn delta(kind: &str, text: &str) -> Value {
    json!({ "type": kind, "output_index": 0, "content_index": 0, "delta": text })
}

#[test]
fn texts_of_every_kind() {
    let summary = |part: u32, text: &str| json!({ "type": "response.reasoning_summary_text.delta", "summary_index": part, "delta": text });
    let usage = json!({
        "input_tokens": 4, "output_tokens": 3, "input_tokens_details": { "cached_tokens": 2 },
        "output_tokens_details": { "reasoning_tokens": 1 },
    });
    let (told, progress) = outputs(&[
        json!({ "type": "response.created", "response": { "status": "in_progress" } }),
        delta("response.reasoning.delta", "hm"),
        delta("response.reasoning_text.delta", "well"),
        summary(0, "thought"),
        summary(1, "more"),
        delta("response.output_text.delta", "a \"word\""),
        delta("response.output_text.delta", ""),
        delta("response.refusal.delta", "no"),
        json!({ "type": "response.something.new", "delta": "?" }),
        json!({ "type": "response.completed", "response": { "usage": usage } }),
    ]);
    assert_eq!(progress.unwrap(), Progress::Done);
    let usage = Usage { input_tokens: 4, cached_tokens: 2, output_tokens: 3, reasoning_tokens: 1 };
    assert_eq!(
        told,
        [
            Output::Reasoning("hm".into()),
            Output::Reasoning("well".into()),
            Output::ReasoningSummary { part: 0, text: "thought".into() },
            Output::ReasoningSummary { part: 1, text: "more".into() },
            Output::Text { text: "a \"word\"".into(), logprobs: None },
            Output::Refusal("no".into()),
            Output::Usage(usage),
            Output::Finish(Finish::Stop),
        ]
    );
}

#[test]
fn calls_streamed_and_whole() {
    let item = |kind: &str, place: u32, id: &str, arguments: &str| {
        json!({ "type": kind, "output_index": place, "item": {
            "type": "function_call", "call_id": id, "name": "get", "arguments": arguments,
        }})
    };
    let piece = |place: u32, text: &str| json!({ "type": "response.function_call_arguments.delta", "output_index": place, "delta": text });
    let (told, _) = outputs(&[
        json!({ "type": "response.output_item.added", "output_index": 0, "item": { "type": "reasoning" } }),
        item("response.output_item.added", 1, "a", ""),
        piece(1, "{\"x\":"),
        item("response.output_item.added", 2, "b", ""),
        piece(1, "1}"),
        item("response.output_item.done", 1, "a", "{\"x\":1}"),
        item("response.output_item.done", 2, "b", "{\"y\":2}"),
        item("response.output_item.done", 3, "c", ""),
    ]);
    let call = |index: u32, id: &str| Output::Call { index, call_id: id.to_owned(), name: "get".to_owned() };
    let arguments = |index: u32, text: &str| Output::Arguments { index, text: text.into() };
    assert_eq!(
        told,
        [
            call(0, "a"),
            arguments(0, "{\"x\":"),
            call(1, "b"),
            arguments(0, "1}"),
            arguments(1, "{\"y\":2}"),
            call(2, "c"),
            arguments(2, "{}"),
        ]
    );
}

#[test]
fn every_way_to_end_early() {
    for (reason, finish) in [("max_output_tokens", Finish::Length), ("content_filter", Finish::ContentFilter)]
    {
        let response = json!({ "incomplete_details": { "reason": reason }, "usage": null });
        let (told, _) = outputs(&[json!({ "type": "response.incomplete", "response": response })]);
        assert_eq!(told, [Output::Finish(finish)]);
    }
    for (event, fault) in [
        (
            json!({ "type": "response.failed", "response": { "error": { "code": "server_error", "message": "m" } } }),
            Fault::Failed,
        ),
        (
            json!({ "type": "response.failed", "response": { "error": { "code": "invalid_prompt", "message": "m" } } }),
            Fault::Refused,
        ),
        (
            json!({ "type": "error", "code": "rate_limit_exceeded", "message": "m" }),
            Fault::Busy { retry_after: None },
        ),
        (json!({ "type": "error", "error": { "code": "server_error", "message": "m" } }), Fault::Failed),
        (json!({ "no": "type" }), Fault::Garbled),
    ] {
        assert_eq!(outputs(std::slice::from_ref(&event)).1.unwrap_err().fault, fault, "{event}");
    }
    let mut out = VecDeque::new();
    assert_eq!(ResponsesStream::default().end(&mut out).unwrap_err().fault, Fault::Unreachable);
}

#[test]
fn logprobs_have_every_member_that_the_standard_wants() {
    let mut event = delta("response.output_text.delta", "a");
    event["logprobs"] = json!([{ "token": "a", "logprob": -0.5 }]);
    let logprobs = json!([{ "token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": [] }]);
    assert_eq!(outputs(&[event]).0, [Output::Text { text: "a".into(), logprobs: Some(logprobs) }]);
}
