use serde_json::{Value, json};

use super::refusals::line;
use crate::{ApiError, ChatCreate, ChoiceMode, TextFormat, ToolChoice, chat_create, create};

fn read(body: &Value) -> Result<ChatCreate, ApiError> {
    chat_create(body.to_string().as_bytes(), 64)
}

fn with(change: Value) -> Value {
    let mut body = json!({ "model": "demo", "messages": [{"role": "user", "content": "Hi"}] });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    body
}

fn accepts(change: Value) -> ChatCreate {
    read(&with(change)).unwrap()
}

fn items(messages: Value) -> Value {
    serde_json::to_value(accepts(json!({ "messages": messages })).request.input).unwrap()
}

#[test]
fn the_smallest_request_is_not_stored() {
    let chat = accepts(json!({}));
    let responses = create(br#"{"model": "demo", "input": "Hi", "store": false}"#, 64).unwrap();
    assert_eq!(chat.request, responses.request);
    assert!(!chat.stream && !chat.include_usage);
}

#[test]
fn every_parameter_has_its_place() {
    let chat = accepts(json!({
        "stream": true, "stream_options": {"include_usage": true}, "store": true, "n": 1,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": true}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": true}},
        "logprobs": true, "top_logprobs": 3, "max_completion_tokens": 1, "max_tokens": 1, "reasoning_effort": "high",
        "verbosity": "low", "temperature": 0.5, "metadata": {"k": "v"}, "parallel_tool_calls": false,
    }));
    assert!(chat.stream && chat.include_usage && chat.request.store && !chat.request.parallel_tool_calls);
    assert_eq!(chat.request.tool_choice, ToolChoice::Function("f".into()));
    assert_eq!(chat.request.include, ["message.output_text.logprobs"]);
    assert_eq!((chat.request.top_logprobs, chat.request.max_output_tokens), (Some(3), Some(1)));
    assert_eq!(chat.request.reasoning.unwrap().effort.as_deref(), Some("high"));
    assert_eq!(chat.request.text.verbosity.as_deref(), Some("low"));
    assert!(matches!(chat.request.text.format, TextFormat::JsonSchema { strict: true, .. }));
    assert!(chat.request.extra.is_empty());
}

#[test]
fn what_has_no_place_travels_as_it_was_sent() {
    let extra = json!({
        "stop": ["a", "b"], "seed": -1, "logit_bias": {"50256": -100}, "user": "u", "top_k": 40, "modalities": ["text"],
        "prediction": {"type": "content", "content": "x"}, "chat_template_kwargs": {"enable_thinking": false},
    });
    assert_eq!(Value::Object(accepts(extra.clone()).request.extra), extra);
}

#[test]
fn allowed_tools_are_read_too() {
    let f = json!({ "type": "function", "function": {"name": "f"} });
    let chat = accepts(json!({
        "tools": [f], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [f]}},
    }));
    let allowed = ToolChoice::Allowed { names: vec!["f".into()], mode: ChoiceMode::Required };
    assert_eq!(chat.request.tool_choice, allowed);
    assert_eq!(
        accepts(json!({"tool_choice": "none"})).request.tool_choice,
        ToolChoice::Mode(ChoiceMode::None)
    );
}

#[test]
fn messages_become_items() {
    insta::assert_json_snapshot!(items(json!([
        {"role": "system", "content": "Be kind.", "name": "rules"},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": [
            {"type": "text", "text": "Look:"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
        ]},
        {"role": "assistant", "content": "I will ask.", "reasoning_content": "Hm.", "refusal": null, "annotations": [],
            "audio": null, "function_call": null, "parsed": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}", "parsed_arguments": {}}},
            {"id": "b", "type": "function", "index": 1, "function": {"name": "g", "arguments": ""}, "extra_content": {"x": 1}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "2"}], "name": "g"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "c", "content": ""},
        {"role": "assistant", "content": [{"type": "text", "text": "Three."}], "refusal": "No more."},
        {"role": "assistant", "content": ""},
    ])));
}

#[test]
fn refusals() {
    let messages = |list: Value| json!({ "messages": list });
    let called = json!({ "role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": ""}}] });
    let lines: Vec<_> = [
        json!({ "messages": null }),
        messages(json!([])),
        messages(json!("Hi")),
        messages(json!(["Hi"])),
        messages(json!([{"content": "Hi"}])),
        messages(json!([{"role": "function", "name": "f", "content": "1"}])),
        messages(json!([{"role": "user"}])),
        messages(json!([{"role": "user", "content": 1}])),
        messages(json!([{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://a"}}]}])),
        messages(json!([{"role": "user", "content": [{"type": "image_url", "image_url": "https://a"}]}])),
        messages(json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}])),
        messages(json!([{"role": "user", "content": [{"type": "file", "file": {"filename": "a"}}]}])),
        messages(json!([{"role": "assistant"}])),
        messages(json!([{"role": "assistant", "content": 4}])),
        messages(json!([{"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": ""}}])),
        messages(json!([{"role": "assistant", "tool_calls": [{"id": "a", "type": "custom"}]}])),
        messages(json!([{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}])),
        messages(json!([called, {"role": "tool", "tool_call_id": "b", "content": "1"}])),
        messages(json!([called, {"role": "tool", "content": "1"}])),
        json!({ "model": null }),
        json!({ "n": 2 }),
        json!({ "functions": [] }),
        json!({ "function_call": "auto" }),
        json!({ "modalities": ["text", "audio"] }),
        json!({ "max_tokens": 0 }),
        json!({ "max_tokens": 1, "max_completion_tokens": 2 }),
        json!({ "top_logprobs": 2 }),
        json!({ "logprobs": 2 }),
        json!({ "stream_options": {"include_usage": true} }),
        json!({ "stream": true, "stream_options": {"continuous_usage_stats": true} }),
        json!({ "stop": 4 }),
        json!({ "seed": 1.5 }),
        json!({ "logit_bias": {"1": 101} }),
        json!({ "tools": [{"type": "function", "name": "f"}] }),
        json!({ "tools": [{"type": "custom", "custom": {"name": "f"}}] }),
        json!({ "tool_choice": {"type": "function", "name": "f"} }),
        json!({ "tool_choice": {"type": "function", "function": {"name": "f"}} }),
        json!({ "tool_choice": "required" }),
        json!({ "response_format": {"type": "json_schema", "json_schema": {"name": "n"}} }),
        json!({ "response_format": "json" }),
    ]
    .into_iter()
    .map(|change| line(&read(&with(change.clone())).expect_err(&change.to_string())))
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
