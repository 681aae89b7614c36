use serde_json::{Value, json};

use crate::{
    ChoiceMode, Create, FunctionTool, Item, Reasoning, Request, Role, TextFormat, TextOptions, ToolChoice,
    compact, create,
};

fn read(body: &Value) -> Create {
    create(body.to_string().as_bytes(), 64).unwrap_or_else(|e| panic!("{e}: {body}"))
}

fn accepts(change: Value) -> Create {
    let mut body = json!({ "model": "demo", "input": "Hello" });
    body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    read(&body)
}

#[test]
fn the_smallest_request_has_every_default() {
    let create = read(&json!({ "model": "demo", "input": "Hello" }));
    let request = Request { input: vec![Item::message(Role::User, "Hello")], ..Request::new("demo") };
    assert_eq!(create.request, request);
    assert!(create.generate && !create.stream && create.request.store);
}

#[test]
fn every_parameter_arrives() {
    let create = accepts(json!({
        "instructions": "Be brief.", "previous_response_id": "resp_1", "parallel_tool_calls": false,
        "tools": [
            {"type": "function", "name": "a", "description": "A", "parameters": {"type": "object"}, "strict": true},
            {"type": "function", "name": "b", "parameters": null, "strict": null, "defer_loading": true},
        ],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]},
        "max_tool_calls": 3, "max_output_tokens": 16.0, "temperature": 2, "top_p": 0.5, "presence_penalty": -2,
        "frequency_penalty": 1.5, "top_logprobs": 20, "truncation": "auto", "service_tier": "flex",
        "include": ["message.output_text.logprobs", "message.output_text.logprobs"],
        "reasoning": {"effort": "minimal", "summary": "auto", "context": "all_turns"},
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        "metadata": {"k": "v"}, "store": true, "background": true, "safety_identifier": "s", "prompt_cache_key": "p",
        "stream": true, "stream_options": {"include_obfuscation": true}, "generate": false,
        "idempotency_key": "once", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "rojo=1",
        "user": "u", "vendor:thing": {"deep": [1]},
    }));
    let request = Request {
        input: vec![Item::message(Role::User, "Hello")],
        instructions: Some("Be brief.".into()),
        previous_response_id: Some("resp_1".into()),
        tools: vec![
            FunctionTool {
                name: "a".into(),
                description: Some("A".into()),
                parameters: Some(json!({"type": "object"})),
                strict: Some(true),
                extra: serde_json::Map::new(),
            },
            FunctionTool {
                name: "b".into(),
                description: None,
                parameters: None,
                strict: None,
                extra: json!({"defer_loading": true}).as_object().unwrap().clone(),
            },
        ],
        tool_choice: ToolChoice::Allowed { names: vec!["b".into()], mode: ChoiceMode::Required },
        parallel_tool_calls: false,
        max_tool_calls: Some(3),
        max_output_tokens: Some(16),
        text: TextOptions {
            format: TextFormat::JsonSchema {
                name: "n".into(),
                description: None,
                schema: json!({"type": "object"}),
                strict: false,
            },
            verbosity: Some("low".into()),
            extra: serde_json::Map::new(),
        },
        reasoning: Some(Reasoning {
            effort: Some("minimal".into()),
            summary: Some("auto".into()),
            extra: json!({"context": "all_turns"}).as_object().unwrap().clone(),
        }),
        temperature: Some(2.0),
        top_p: Some(0.5),
        presence_penalty: Some(-2.0),
        frequency_penalty: Some(1.5),
        top_logprobs: Some(20),
        include: vec!["message.output_text.logprobs".into()],
        truncation: Some("auto".into()),
        service_tier: Some("flex".into()),
        metadata: [("k".to_owned(), "v".to_owned())].into(),
        store: true,
        background: true,
        safety_identifier: Some("s".into()),
        prompt_cache_key: Some("p".into()),
        extra: json!({"user": "u", "vendor:thing": {"deep": [1]}}).as_object().unwrap().clone(),
        ..Request::new("demo")
    };
    assert_eq!(create.request, request);
    assert_eq!((create.stream, create.generate, create.include_obfuscation), (true, false, true));
    assert_eq!(create.idempotency_key.as_deref(), Some("once"));
    assert!(create.trace.is_some_and(|trace| trace.state() == "rojo=1"));
}

#[test]
fn a_request_survives_its_journey_to_the_worker() {
    let request = accepts(json!({
        "tools": [{"type": "function", "name": "f", "vendor": 1}], "tool_choice": {"type": "function", "name": "f"},
        "reasoning": {"effort": "low", "mode": "pro"}, "text": {"format": {"type": "json_object"}, "vendor": 2}, "user": null,
    }))
    .request;
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
}

#[test]
fn null_is_the_same_as_absent() {
    let nulls = json!({
        "instructions": null, "previous_response_id": null, "tools": null, "tool_choice": null, "text": null,
        "reasoning": null, "temperature": null, "metadata": null, "store": null, "background": null, "stream": null,
        "stream_options": null, "conversation": null, "prompt": null, "include": null, "truncation": null,
        "service_tier": null, "generate": null, "stream_id": null, "idempotency_key": null, "traceparent": null, "tracestate": null,
        "moderation": null,
    });
    assert_eq!(accepts(nulls), accepts(json!({})));
}

#[test]
fn items_stay_as_they_were_sent() {
    let items = json!([
        {"role": "user", "content": "Hi"},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be kind."}], "id": null},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": ""},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
            {"type": "input_image", "file_id": "file-1"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        ]},
        // As official SDKs send back what they were given.
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "status": null,
            "content": [{"type": "reasoning_text", "text": "r"}], "encrypted_content": null},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": null, "content": [
            {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": null},
            {"type": "refusal", "refusal": "No."},
        ]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{", "namespace": null},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "42"}]},
        {"type": "compaction", "encrypted_content": "x"},
        {"id": "msg_0"},
        {"type": "item_reference", "id": "msg_0"},
    ]);
    let create = read(&json!({ "model": "demo", "input": items }));
    assert_eq!(serde_json::to_value(&create.request.input).unwrap(), items);
    assert!(create.request.input.iter().all(|item| item.view().is_some()));
}

#[test]
fn a_malformed_trace_is_ignored() {
    for trace in [
        "",
        "00",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert_eq!(accepts(json!({ "traceparent": trace })).trace, None, "{trace}");
    }
}

#[test]
fn nothing_has_to_be_said_where_nothing_is_produced() {
    read(&json!({ "model": "demo", "generate": false }));
    read(&json!({ "model": "demo", "previous_response_id": "resp_1" }));
    read(&json!({ "model": "demo", "input": [], "instructions": "Tell a joke." }));
}

#[test]
fn the_last_of_two_members_counts() {
    let create = create(br#"{"model": "a", "input": "x", "model": "b"}"#, 64).unwrap();
    assert_eq!(create.request.model, "b");
}

#[test]
fn a_compaction_is_never_stored() {
    let body = json!({ "model": "demo", "input": "Hello", "instructions": "Keep names.", "service_tier": "auto", "x": 1 });
    let compact = compact(body.to_string().as_bytes(), 64).unwrap();
    assert!(!compact.request.store);
    assert_eq!(compact.request.instructions.as_deref(), Some("Keep names."));
    assert_eq!(compact.request.extra.len(), 1);
}
