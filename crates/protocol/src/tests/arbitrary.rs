//! Whatever is sent, no parser panics, and what one of them accepts survives its journey to the worker.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{Request, chat_create, client_message, compact, create, steer_input};

/// Any JSON, made of words that parsers look for.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "type",
        "role",
        "content",
        "user",
        "assistant",
        "message",
        "function",
        "function_call",
        "call_id",
        "name",
        "id",
        "arguments",
        "output",
        "text",
        "input_text",
        "image_url",
        "input_image",
        "url",
        "tools",
        "mode",
        "auto",
        "summary",
        "reasoning",
        "allowed_tools",
        "schema",
        "json_schema",
        "format",
        "",
        "\u{0}",
        "💡",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((word.clone().prop_map(str::to_owned), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A request in which nearly everything is used.
fn full() -> Value {
    json!({
        "type": "response.create", "model": "m", "instructions": "i", "stream": true, "store": true, "user": "u",
        "input": [
            {"role": "user", "content": [{"type": "input_image", "image_url": "https://a/b"}, {"type": "input_text", "text": "t"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "t"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}]},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "f"}], "mode": "auto"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}, "metadata": {"k": "v"},
        "reasoning": {"effort": "low"}, "temperature": 1, "max_output_tokens": 20, "include": [],
    })
}

/// A Chat Completions request in which nearly everything is used.
fn full_chat() -> Value {
    json!({
        "model": "m", "stream": true, "stream_options": {"include_usage": true}, "user": "u", "stop": ["a"], "seed": 1,
        "messages": [
            {"role": "system", "content": "s", "name": "n"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b"}}, {"type": "text", "text": "t"}]},
            {"role": "assistant", "content": null, "reasoning": "r",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "t"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "t"}], "refusal": "no"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto",
            "tools": [{"type": "function", "function": {"name": "f"}}]}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}, "logit_bias": {"1": 2},
        "logprobs": true, "top_logprobs": 2, "max_tokens": 4, "reasoning_effort": "low",
    })
}

/// Puts `new` at the place in `value` that `choices` lead to.
fn replace(value: &mut Value, choices: &[usize], new: Value) {
    let Some((choice, rest)) = choices.split_first() else {
        *value = new;
        return;
    };
    match value {
        Value::Array(list) if !list.is_empty() => {
            let at = choice % list.len();
            replace(&mut list[at], rest, new);
        }
        Value::Object(members) if !members.is_empty() => {
            let at = choice % members.len();
            replace(members.values_mut().nth(at).unwrap(), rest, new);
        }
        _ => *value = new,
    }
}

fn check(body: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(create) = create(body, 32) {
        let job = serde_json::to_vec(&create.request).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Request>(&job).unwrap(), create.request);
    }
    if let Ok(create) = chat_create(body, 32) {
        let job = serde_json::to_vec(&create.request).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Request>(&job).unwrap(), create.request);
    }
    let _ = compact(body, 32);
    if let Ok(text) = std::str::from_utf8(body)
        && let Err(rejected) = client_message(text, 32)
    {
        prop_assert!(serde_json::from_str::<Value>(&rejected.error.http_body()).is_ok());
    }
    Ok(())
}

proptest! {
    #[test]
    fn bytes(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&body)?;
    }

    #[test]
    fn punctuation(body in r#"[\[\]{}:,"\\a0 u]{0,60}"#) {
        check(body.as_bytes())?;
    }

    #[test]
    fn json(body in any_json()) {
        check(body.to_string().as_bytes())?;
        let _ = steer_input(body);
    }

    #[test]
    fn a_request_with_one_thing_changed(choices in prop::collection::vec(any::<usize>(), 1..6), new in any_json()) {
        for mut body in [full(), full_chat()] {
            replace(&mut body, &choices, new.clone());
            check(body.to_string().as_bytes())?;
        }
    }
}
