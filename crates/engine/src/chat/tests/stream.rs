use std::collections::VecDeque;

use serde_json::json;
use sse_stream::Sse;

use crate::{
    Error, Fault, Finish, Output, Usage,
    chat::stream::ChatStream,
    upstream::{Progress, Translate as _},
};

/// What a stream of these chunks comes to, and the error it ends with.
fn outputs(chunks: &[serde_json::Value]) -> (Vec<Output>, Option<Error>) {
    let mut out = VecDeque::new();
    let error = told(&mut ChatStream::default(), chunks, &mut out).err();
    (out.into(), error)
}

fn told(
    stream: &mut ChatStream,
    chunks: &[serde_json::Value],
    out: &mut VecDeque<Output>,
) -> Result<(), Error> {
    for chunk in chunks {
        stream.event(&Sse::default().data(chunk.to_string()), out)?;
    }
    assert_eq!(stream.event(&Sse::default().data("[DONE]"), out)?, Progress::Done);
    Ok(())
}

fn delta(delta: serde_json::Value) -> serde_json::Value {
    json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] })
}

fn finish(reason: &str) -> serde_json::Value {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })
}

fn text(text: &str) -> Output {
    Output::Text { text: text.into(), logprobs: None }
}

fn call(index: u32, call_id: &str, name: &str) -> Output {
    Output::Call { index, call_id: call_id.to_owned(), name: name.to_owned() }
}

fn arguments(index: u32, text: &str) -> Output {
    Output::Arguments { index, text: text.into() }
}

#[test]
fn text_reasoning_refusal_and_usage() {
    let usage = json!({
        "prompt_tokens": 10, "completion_tokens": 7, "prompt_tokens_details": { "cached_tokens": 4 },
        "completion_tokens_details": { "reasoning_tokens": 2 },
    });
    let (outputs, error) = outputs(&[
        delta(json!({ "role": "assistant", "content": "" })),
        delta(json!({ "reasoning_content": "hm", "reasoning": "hm" })),
        delta(json!({ "reasoning": "well" })),
        delta(json!({ "content": "a \"quoted\" wörd" })),
        delta(json!({ "refusal": "no" })),
        finish("stop"),
        json!({ "choices": [], "usage": usage }),
    ]);
    assert!(error.is_none());
    let usage = Usage { input_tokens: 10, cached_tokens: 4, output_tokens: 7, reasoning_tokens: 2 };
    assert_eq!(
        outputs,
        [
            Output::Reasoning("hm".into()),
            Output::Reasoning("well".into()),
            text("a \"quoted\" wörd"),
            Output::Refusal("no".into()),
            Output::Usage(usage),
            Output::Finish(Finish::Stop),
        ]
    );
}

#[test]
fn content_may_come_in_parts() {
    let thinking = json!({ "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }] });
    let parts = json!([thinking, { "type": "text", "text": "w\u{f6}rd" }, { "type": "text", "text": "s" }]);
    let (outputs, error) =
        outputs(&[delta(json!({ "content": parts })), delta(json!({ "content": null })), finish("stop")]);
    assert!(error.is_none());
    assert_eq!(outputs, [Output::Reasoning("hm".into()), text("wörds"), Output::Finish(Finish::Stop)]);
}

#[test]
fn usage_may_come_with_the_last_chunk_and_without_details() {
    let mut last = finish("length");
    last["usage"] = json!({ "prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": null });
    let (outputs, _) = outputs(&[delta(json!({ "content": "x" })), last]);
    let usage = Usage { input_tokens: 1, output_tokens: 2, ..Usage::default() };
    assert_eq!(outputs, [text("x"), Output::Usage(usage), Output::Finish(Finish::Length)]);
}

#[test]
fn every_reason_to_finish() {
    for (reason, expected) in [
        ("stop", Finish::Stop),
        ("tool_calls", Finish::Stop),
        ("function_call", Finish::Stop),
        ("eos_token", Finish::Stop),
        ("length", Finish::Length),
        ("content_filter", Finish::ContentFilter),
    ] {
        assert_eq!(outputs(&[finish(reason)]).0, [Output::Finish(expected)], "{reason}");
    }
    assert_eq!(outputs(&[finish("abort")]).1.unwrap().fault, Fault::Failed);
}

#[test]
fn calls_in_pieces_and_in_parallel() {
    let piece = |index: u32, id: Option<&str>, name: Option<&str>, arguments: &str| {
        delta(json!({ "tool_calls": [
            { "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": arguments } },
        ]}))
    };
    let (outputs, _) = outputs(&[
        piece(0, Some("a"), Some("get"), ""),
        piece(0, None, None, "{\"x\":"),
        piece(1, Some("b"), Some("put"), ""),
        piece(0, None, None, "1}"),
        piece(1, None, None, "{}"),
        finish("tool_calls"),
    ]);
    assert_eq!(
        outputs,
        [
            call(0, "a", "get"),
            arguments(0, "{\"x\":"),
            arguments(0, "1}"),
            call(1, "b", "put"),
            arguments(1, "{}"),
            Output::Finish(Finish::Stop),
        ]
    );
}

#[test]
fn whole_calls_all_under_one_index() {
    let whole = |id: &str, name: &str, arguments: &str| {
        delta(json!({ "tool_calls": [
            { "index": 0, "id": id, "function": { "name": name, "arguments": arguments } },
        ]}))
    };
    let expected =
        [call(0, "a", "get"), arguments(0, "{\"x\":\"}\"}"), call(1, "b", "get"), arguments(1, "{}")];
    let (told, _) =
        outputs(&[whole("a", "get", "{\"x\":\"}\"}"), whole("b", "get", "{}"), finish("tool_calls")]);
    assert_eq!(told[..4], expected);

    let (told, _) =
        outputs(&[whole("", "get", "{\"x\":\"}\"}"), whole("", "get", "{}"), finish("tool_calls")]);
    let names: Vec<_> = told.iter().filter(|output| matches!(output, Output::Call { .. })).collect();
    assert_eq!(names.len(), 2);
}

#[test]
fn whole_calls_without_index_or_id() {
    let whole = |name: &str, arguments: serde_json::Value| json!({ "function": { "name": name, "arguments": arguments } });
    let both = delta(json!({ "tool_calls": [whole("get", json!({ "x": 1 })), whole("put", json!(""))] }));
    let (told, _) = outputs(&[both, finish("stop")]);
    let [Output::Call { call_id: first, .. }, _, Output::Call { call_id: second, index: 1, name }, _, _] =
        &told[..]
    else {
        panic!("{told:?}");
    };
    assert!(first.starts_with("call_") && first != second);
    assert_eq!(name, "put");
    assert_eq!((&told[1], &told[3]), (&arguments(0, "{\"x\":1}"), &arguments(1, "{}")));
}

#[test]
fn a_name_in_pieces_or_again_and_again() {
    let piece = |id: &str, name: &str, arguments: &str| {
        delta(json!({ "tool_calls": [
            { "index": 0, "id": id, "function": { "name": name, "arguments": arguments } },
        ]}))
    };
    let (told, _) =
        outputs(&[piece("a", "get_", ""), piece("a", "weather", ""), piece("a", "", "{}"), finish("stop")]);
    assert_eq!(told[..2], [call(0, "a", "get_weather"), arguments(0, "{}")]);

    let (told, _) = outputs(&[
        piece("a", "get", ""),
        piece("a", "get", "{\"a\""),
        piece("a", "get", ":1}"),
        finish("stop"),
    ]);
    assert_eq!(told[..3], [call(0, "a", "get"), arguments(0, "{\"a\""), arguments(0, ":1}")]);
}

#[test]
fn calls_are_bounded() {
    let pieces: Vec<_> = (0..200)
        .map(|index| {
            delta(
                json!({ "tool_calls": [{ "index": index, "function": { "name": "f", "arguments": "{}" } }] }),
            )
        })
        .collect();
    assert_eq!(outputs(&pieces).1.unwrap().fault, Fault::Garbled);
}

#[test]
fn logprobs_have_every_member_that_the_standard_wants() {
    let entry = json!({ "token": "hé", "logprob": -0.5, "bytes": null, "top_logprobs": [{ "token": "x", "logprob": -1.0 }] });
    let chunk = json!({ "choices": [{
        "delta": { "content": "hé" }, "logprobs": { "content": [entry] }, "finish_reason": "stop",
    }]});
    let (told, _) = outputs(&[chunk]);
    let logprobs = json!([{
        "token": "hé", "logprob": -0.5, "bytes": [104, 195, 169],
        "top_logprobs": [{ "token": "x", "logprob": -1.0, "bytes": [120] }],
    }]);
    assert_eq!(told[0], Output::Text { text: "hé".into(), logprobs: Some(logprobs) });
}

#[test]
fn errors_in_the_stream_come_after_what_was_told() {
    for error in [
        json!({ "error": { "message": "out of memory", "code": 500 } }),
        json!({ "error": "out of memory" }),
        json!({ "object": "error", "message": "out of memory", "code": 500 }),
    ] {
        let (told, failure) = outputs(&[delta(json!({ "content": "x" })), error]);
        let failure = failure.unwrap();
        assert_eq!((told, failure.fault), (vec![text("x")], Fault::Failed));
        assert!(failure.detail.contains("out of memory") && !failure.message.contains("out of memory"));
    }
    let mut fine = delta(json!({ "content": "x" }));
    fine["error"] = serde_json::Value::Null;
    assert!(outputs(&[fine, finish("stop")]).1.is_none());
}

#[test]
fn nonsense_is_garbled_and_a_missing_end_is_a_broken_line() {
    let mut out = VecDeque::new();
    let garbage = Sse::default().data("{not json");
    assert_eq!(ChatStream::default().event(&garbage, &mut out).unwrap_err().fault, Fault::Garbled);
    assert_eq!(outputs(&[delta(json!({ "content": "x" }))]).1.unwrap().fault, Fault::Unreachable);
}

#[test]
fn other_answers_than_the_first_are_not_ours() {
    let second = json!({ "choices": [{ "index": 1, "delta": { "content": "other" } }] });
    assert_eq!(outputs(&[second, finish("stop")]).0, [Output::Finish(Finish::Stop)]);
}
