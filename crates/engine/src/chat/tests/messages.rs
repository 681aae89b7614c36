use protocol::Request;
use serde_json::{Value, json};

use super::items;
use crate::{Error, Fault, chat::messages::messages, tests::request};

fn translate(input: Value) -> Result<Value, Error> {
    let request = Request { input: items(input), ..request() };
    messages(&request, Some("reasoning_content")).map(Value::Array)
}

#[test]
fn instructions_and_first_system_messages_are_one() {
    let input = json!([
        { "role": "developer", "content": "be kind" },
        { "type": "message", "role": "system", "content": [{ "type": "input_text", "text": "be brief" }] },
        { "role": "user", "content": "hello" },
        { "role": "developer", "content": "be quick" },
    ]);
    let request = Request { instructions: Some("be good".to_owned()), input: items(input), ..request() };
    assert_eq!(
        Value::Array(messages(&request, None).unwrap()),
        json!([
            { "role": "system", "content": "be good\n\nbe kind\n\nbe brief" },
            { "role": "user", "content": "hello" },
            { "role": "system", "content": "be quick" },
        ])
    );
}

#[test]
fn parts_of_every_kind_have_their_form() {
    let input = json!([{ "role": "user", "content": [
        { "type": "input_text", "text": "look" },
        { "type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low" },
        { "type": "input_image", "image_url": "https://example.com/a.png", "detail": null },
        { "type": "input_file", "filename": "a.pdf", "file_data": "AA==" },
        { "type": "input_video", "video_url": "https://example.com/a.mp4" },
        { "type": "input_audio", "input_audio": { "data": "AA==", "format": "wav" } },
    ]}]);
    let content = json!([
        { "type": "text", "text": "look" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==", "detail": "low" } },
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
        { "type": "file", "file": { "filename": "a.pdf", "file_data": "AA==" } },
        { "type": "video_url", "video_url": { "url": "https://example.com/a.mp4" } },
        { "type": "input_audio", "input_audio": { "data": "AA==", "format": "wav" } },
    ]);
    assert_eq!(translate(input).unwrap(), json!([{ "role": "user", "content": content }]));
}

#[test]
fn one_turn_of_the_assistant_is_one_message() {
    let input = json!([
        { "role": "user", "content": "weather?" },
        { "type": "reasoning", "id": "rs_1", "summary": [],
          "content": [{ "type": "reasoning_text", "text": "I should look." }] },
        { "role": "assistant", "content": [{ "type": "output_text", "text": "Let me look." }] },
        { "type": "function_call", "call_id": "a", "name": "get", "arguments": "{\"city\":\"Rome\"}" },
        { "type": "function_call", "call_id": "b", "name": "get", "arguments": "{\"city\":\"Oslo\"}" },
        { "type": "function_call_output", "call_id": "a", "output": "sunny" },
        { "type": "function_call_output", "call_id": "b", "output": [
            { "type": "input_text", "text": "rainy" },
            { "type": "input_image", "image_url": "data:image/png;base64,AA==" },
        ]},
        { "role": "assistant", "content": "Sunny and rainy." },
    ]);
    let call = |id: &str, city: &str| {
        let arguments = format!("{{\"city\":\"{city}\"}}");
        json!({ "id": id, "type": "function", "function": { "name": "get", "arguments": arguments } })
    };
    assert_eq!(
        translate(input).unwrap(),
        json!([
            { "role": "user", "content": "weather?" },
            { "role": "assistant", "content": "Let me look.", "reasoning_content": "I should look.",
              "tool_calls": [call("a", "Rome"), call("b", "Oslo")] },
            { "role": "tool", "tool_call_id": "a", "content": "sunny" },
            { "role": "tool", "tool_call_id": "b", "content": [
                { "type": "text", "text": "rainy" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } },
            ]},
            { "role": "assistant", "content": "Sunny and rainy." },
        ])
    );
}

#[test]
fn outputs_stay_right_behind_their_calls() {
    let input = json!([
        { "type": "function_call", "call_id": "a", "name": "get", "arguments": "{}" },
        { "role": "assistant", "content": "I am looking." },
        { "type": "function_call_output", "call_id": "a", "output": "sunny" },
    ]);
    let roles: Vec<String> = translate(input)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(roles, ["assistant", "tool"]);
}

#[test]
fn assistant_messages_in_a_row_stay_apart() {
    let input = json!([{ "role": "assistant", "content": "one" }, { "role": "assistant", "content": "two" }]);
    assert_eq!(translate(input).unwrap().as_array().unwrap().len(), 2);
}

#[test]
fn a_refusal_is_what_the_assistant_said() {
    let input = json!([{ "role": "assistant", "content": [{ "type": "refusal", "refusal": "No." }] }]);
    assert_eq!(translate(input).unwrap(), json!([{ "role": "assistant", "content": "No." }]));
}

#[test]
fn reasoning_is_left_out_where_no_member_is_named() {
    let input = json!([
        { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "thought" }] },
        { "role": "user", "content": "hello" },
    ]);
    let request = Request { input: items(input), ..request() };
    let user = json!([{ "role": "user", "content": "hello" }]);
    assert_eq!(Value::Array(messages(&request, None).unwrap()), user);
    let told = messages(&request, Some("reasoning")).unwrap();
    assert_eq!(told[0], json!({ "role": "assistant", "content": null, "reasoning": "thought" }));
}

#[test]
fn a_compaction_is_its_summary() {
    let ours = protocol::compaction::encode("They spoke of fire.");
    let input = json!([{ "type": "compaction", "encrypted_content": ours }, { "role": "user", "content": "and then?" }]);
    let messages = translate(input).unwrap();
    assert_eq!(messages[0]["role"], "system");
    assert!(messages[0]["content"].as_str().unwrap().ends_with("They spoke of fire."));
}

#[test]
fn what_has_no_form_is_refused() {
    for input in [
        json!([{ "type": "item_reference", "id": "msg_1" }]),
        json!([{ "type": "compaction", "encrypted_content": "somebody else's" }]),
        json!([{ "type": "computer_call", "id": "x" }]),
        json!([{ "role": "user", "content": [{ "type": "input_file", "file_url": "https://example.com" }] }]),
        json!([{ "role": "user", "content": [{ "type": "input_image", "file_id": "file_1" }] }]),
        json!([{ "role": "user", "content": [{ "type": "input_hologram" }] }]),
        json!([{ "role": "assistant", "content": [{ "type": "input_image", "image_url": "x" }] }]),
    ] {
        let error = translate(input.clone()).unwrap_err();
        assert_eq!((error.fault, error.param.as_deref()), (Fault::Refused, Some("input")), "{input}");
    }
}
