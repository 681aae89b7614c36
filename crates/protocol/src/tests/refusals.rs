//! What is refused, and in which words.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::{ApiError, compact, create};

/// One line of a snapshot: the parameter, the code and the message.
pub(super) fn line(error: &ApiError) -> String {
    assert_eq!(error.status(), 400);
    let param = error.param.as_deref().unwrap_or("-");
    format!("{param} | {} | {}", error.code.as_deref().unwrap_or("-"), error.message)
}

fn refused(changes: impl IntoIterator<Item = Value>) -> String {
    let mut lines = String::new();
    for change in changes {
        let mut body = json!({ "model": "demo", "input": "Hello" });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let error = create(body.to_string().as_bytes(), 64).expect_err(&change.to_string());
        writeln!(lines, "{}", line(&error)).unwrap();
    }
    lines
}

fn item(item: Value) -> Value {
    json!({ "input": [{"role": "user", "content": "Hi"}, item] })
}

fn part(role: &str, part: Value) -> Value {
    item(json!({ "type": "message", "role": role, "content": [{"type": "input_text", "text": "Hi"}, part] }))
}

#[test]
fn bodies() {
    let deep = format!("{{\"model\": {}{}}}", "[".repeat(70), "]".repeat(70));
    let bodies: [&[u8]; 12] = [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b"\"text\"",
        b"{\"model\": \"a\xff\"}",
        b"{\"model\": \"\\ud800\"}",
        b"{} {}",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
        &[b'['; 100_000],
        b"{}",
    ];
    let lines: Vec<_> = bodies.iter().map(|body| line(&create(body, 64).unwrap_err())).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn depth_is_counted_outside_of_strings() {
    assert!(create(br#"{"model": "a", "input": "[[[[\"[[[["}"#, 1).is_ok());
    assert!(create(br#"{"model": "a", "input": [{"role": "user", "content": []}]}"#, 4).is_ok());
    let error = create(br#"{"model": "a", "input": [{"role": "user", "content": []}]}"#, 3).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("json_too_deep"));
    let beyond_serde = format!("{{\"a\": {}{}}}", "[".repeat(1000), "]".repeat(1000));
    let error = create(beyond_serde.as_bytes(), 10_000).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("json_too_deep"));
}

#[test]
fn parameters() {
    insta::assert_snapshot!(refused([
        json!({ "model": null }),
        json!({ "model": 4 }),
        json!({ "model": "" }),
        json!({ "input": null }),
        json!({ "input": [] }),
        json!({ "input": 4.5 }),
        json!({ "instructions": ["a"] }),
        json!({ "max_output_tokens": 15 }),
        json!({ "max_output_tokens": -1 }),
        json!({ "max_output_tokens": 16.5 }),
        json!({ "max_output_tokens": 1e300 }),
        json!({ "max_output_tokens": "16" }),
        json!({ "max_tool_calls": 0 }),
        json!({ "top_logprobs": 21 }),
        json!({ "temperature": 2.1 }),
        json!({ "temperature": -0.1 }),
        json!({ "top_p": true }),
        json!({ "presence_penalty": 3 }),
        json!({ "stream": "yes" }),
        json!({ "stream_options": {} }),
        json!({ "stream": true, "stream_options": {"include_usage": true} }),
        json!({ "background": true, "store": false }),
        json!({ "truncation": "some" }),
        json!({ "service_tier": "gold" }),
        json!({ "include": ["file_search_call.results"] }),
        json!({ "include": "reasoning.encrypted_content" }),
        json!({ "safety_identifier": "é".repeat(65) }),
        json!({ "reasoning": "high" }),
        json!({ "reasoning": {"effort": "extreme"} }),
        json!({ "metadata": {"k": null} }),
        json!({ "metadata": {"k": "v".repeat(513)} }),
        json!({ "metadata": {"k".repeat(65): "v"} }),
        json!({ "metadata": (0..17).map(|i| (i.to_string(), "v".into())).collect::<Map<_, Value>>() }),
        json!({ "text": {"format": {"type": "grammar"}} }),
        json!({ "text": {"format": {"type": "json_schema", "schema": {}}} }),
        json!({ "text": {"format": {"type": "json_schema", "name": "n"}} }),
        json!({ "text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}} }),
        json!({ "text": {"format": {"type": "json_schema", "name": "n", "schema": []}} }),
        json!({ "text": {"format": {"type": "text", "schema": {}}} }),
        json!({ "text": {"verbosity": "chatty"} }),
        json!({ "conversation": "conv_1" }),
        json!({ "prompt": {"id": "p"} }),
        json!({ "context_management": [] }),
        json!({ "moderation": {"model": "m"} }),
        json!({ "stream_id": "a" }),
        json!({ "idempotency_key": "" }),
        json!({ "type": "response.cancel" }),
    ]));
}

#[test]
fn tools() {
    let tool = |name: &str| json!({ "type": "function", "name": name });
    insta::assert_snapshot!(refused([
        json!({ "tools": {} }),
        json!({ "tools": [4] }),
        json!({ "tools": [{"name": "f"}] }),
        json!({ "tools": [{"type": "web_search"}] }),
        json!({ "tools": [{"type": "function"}] }),
        json!({ "tools": [{"type": "function", "name": ""}] }),
        json!({ "tools": [{"type": "function", "name": "a.b"}] }),
        json!({ "tools": [tool("f"), tool("f")] }),
        json!({ "tools": [{"type": "function", "name": "f", "parameters": "x"}] }),
        json!({ "tools": [{"type": "function", "name": "f", "strict": 1}] }),
        json!({ "tools": (0..129).map(|i| tool(&i.to_string())).collect::<Vec<_>>() }),
        json!({ "tool_choice": "required" }),
        json!({ "tool_choice": "any" }),
        json!({ "tool_choice": 1 }),
        json!({ "tool_choice": {"type": "function", "name": "f"} }),
        json!({ "tool_choice": {"type": "function", "function": {"name": "f"}} }),
        json!({ "tool_choice": {"type": "mcp"} }),
        json!({ "tool_choice": {"type": "allowed_tools", "tools": []} }),
        json!({ "tools": [tool("f")], "tool_choice": {"type": "allowed_tools", "tools": [tool("f"), tool("g")]} }),
        json!({ "tools": [tool("f")], "tool_choice": {"type": "allowed_tools", "tools": [tool("f")], "mode": "most"} }),
        json!({ "tools": [tool("f")], "tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp"}]} }),
    ]));
}

#[test]
fn items() {
    let long = "c".repeat(65);
    insta::assert_snapshot!(refused([
        item(json!("Hi")),
        item(json!({})),
        item(json!({ "type": "web_search_call" })),
        item(json!({ "type": "message", "content": "Hi" })),
        item(json!({ "role": "tool", "content": "Hi" })),
        item(json!({ "role": "user" })),
        item(json!({ "role": "user", "content": 1 })),
        item(json!({ "role": "assistant", "content": "Hi", "phase": "early" })),
        item(json!({ "type": "function_call", "call_id": "c", "name": "f" })),
        item(json!({ "type": "function_call", "call_id": "", "name": "f", "arguments": "" })),
        item(json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": {} })),
        item(
            json!({ "type": "function_call", "call_id": "c", "name": "f", "arguments": "", "status": "done" })
        ),
        item(json!({ "type": "function_call_output", "call_id": long, "output": "" })),
        item(json!({ "type": "function_call_output", "call_id": "c", "output": {} })),
        item(
            json!({ "type": "function_call_output", "call_id": "c", "output": [{"type": "output_text", "text": ""}] })
        ),
        item(json!({ "type": "reasoning" })),
        item(json!({ "type": "reasoning", "summary": [{"type": "reasoning_text", "text": ""}] })),
        item(json!({ "type": "compaction" })),
        item(json!({ "type": "item_reference" })),
    ]));
}

#[test]
fn parts() {
    insta::assert_snapshot!(refused([
        part("user", json!(null)),
        part("user", json!({ "text": "Hi" })),
        part("user", json!({ "type": "output_text", "text": "Hi" })),
        part("system", json!({ "type": "input_image", "image_url": "https://a/b.png" })),
        part("user", json!({ "type": "input_text" })),
        part("user", json!({ "type": "input_text", "text": 1 })),
        part("user", json!({ "type": "input_image" })),
        part("user", json!({ "type": "input_image", "image_url": {"url": "https://a/b.png"} })),
        part("user", json!({ "type": "input_image", "image_url": "file:///etc/passwd" })),
        part("user", json!({ "type": "input_image", "image_url": "https://a/b.png", "detail": "fine" })),
        part("user", json!({ "type": "input_file" })),
        part("user", json!({ "type": "input_audio", "input_audio": {"data": "A"} })),
        item(json!({ "role": "assistant", "content": [{"type": "input_text", "text": "Hi"}] })),
        item(
            json!({ "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": [1]}] })
        ),
    ]));
}

#[test]
fn compactions() {
    let lines: Vec<_> = [
        json!({ "input": "Hello" }),
        json!({ "model": "demo" }),
        json!({ "model": "demo", "input": [] }),
        json!({ "model": "demo", "input": "Hello", "stream": true }),
        json!({ "model": "demo", "input": "Hello", "context_management": [] }),
    ]
    .iter()
    .map(|body| line(&compact(body.to_string().as_bytes(), 64).unwrap_err()))
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_message_quotes_little_of_what_was_sent() {
    let error = create(
        json!({ "model": "m", "input": "x", "truncation": "é".repeat(10_000) }).to_string().as_bytes(),
        9,
    );
    assert!(error.unwrap_err().message.len() < 300);
}
