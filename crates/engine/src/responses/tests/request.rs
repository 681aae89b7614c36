use protocol::{ChoiceMode, FunctionTool, Reasoning, Request, TextFormat, ToolChoice};
use serde_json::{Map, Value, json};

use crate::{Fault, responses::request::body, tests::request};

#[test]
fn the_least_request_keeps_nothing_at_the_server() {
    let message = json!({ "type": "message", "role": "user", "content": "hello" });
    let least = json!({ "model": "m", "input": [message], "stream": true, "store": false });
    assert_eq!(body(&request(), None).unwrap(), least);
}

#[test]
fn a_full_request_goes_through() {
    let mut request = request();
    request.instructions = Some("be kind".to_owned());
    request.max_output_tokens = Some(100);
    request.max_tool_calls = Some(2);
    request.truncation = Some("auto".to_owned());
    request.include = vec!["reasoning.encrypted_content".to_owned()];
    request.reasoning = Some(Reasoning { effort: Some("low".to_owned()), ..Reasoning::default() });
    request.text.extra.insert("tone".to_owned(), json!("warm"));
    request.text.format = TextFormat::JsonSchema {
        name: "answer".to_owned(),
        description: None,
        schema: json!({ "type": "object" }),
        strict: true,
    };
    request.tools = vec![FunctionTool {
        name: "get".to_owned(),
        description: None,
        parameters: Some(json!({ "type": "object" })),
        strict: None,
        extra: Map::from_iter([("defer_loading".to_owned(), json!(true))]),
    }];
    request.tool_choice = ToolChoice::Allowed { names: vec!["get".to_owned()], mode: ChoiceMode::Required };
    request.extra.insert("top_k".to_owned(), json!(5));
    let body = body(&request, None).unwrap();
    for (name, value) in [
        ("instructions", json!("be kind")),
        ("max_output_tokens", json!(100)),
        ("max_tool_calls", json!(2)),
        ("truncation", json!("auto")),
        ("include", json!(["reasoning.encrypted_content"])),
        ("reasoning", json!({ "effort": "low" })),
        ("top_k", json!(5)),
        (
            "text",
            json!({ "tone": "warm", "format": {
                "type": "json_schema", "name": "answer", "schema": { "type": "object" }, "strict": true,
            }}),
        ),
        (
            "tools",
            json!([{
                "type": "function", "name": "get", "parameters": { "type": "object" }, "defer_loading": true,
            }]),
        ),
        (
            "tool_choice",
            json!({
                "type": "allowed_tools", "mode": "required", "tools": [{ "type": "function", "name": "get" }],
            }),
        ),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
}

#[test]
fn items_go_as_they_are_but_for_what_is_ours() {
    let theirs = json!({ "type": "compaction", "encrypted_content": "theirs" });
    let ours = json!({ "type": "compaction", "encrypted_content": protocol::compaction::encode("fire") });
    let unknown = json!({ "type": "computer_call", "id": "x", "anything": [1] });
    let input = json!([theirs, ours, unknown]);
    let with = |input: Value| Request { input: serde_json::from_value(input).unwrap(), ..request() };
    let sent = body(&with(input), Some("so far")).unwrap()["input"].clone();
    assert_eq!((&sent[0], &sent[2]), (&theirs, &unknown));
    assert!(sent[1]["content"].as_str().unwrap().ends_with("fire"));
    assert_eq!((&sent[3]["role"], &sent[3]["content"][0]["text"]), (&json!("assistant"), &json!("so far")));

    let reference = with(json!([{ "type": "item_reference", "id": "msg_1" }]));
    assert_eq!(body(&reference, None).unwrap_err().fault, Fault::Refused);
}
