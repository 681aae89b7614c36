use protocol::{ChoiceMode, FunctionTool, Reasoning, TextFormat, ToolChoice};
use serde_json::{Map, Value, json};

use crate::{ChatConfig, Fault, MaxTokensField, PrefillStyle, chat::request::body, tests::request};

fn config() -> ChatConfig {
    ChatConfig::new("http://localhost")
}

fn tool(name: &str) -> FunctionTool {
    FunctionTool {
        name: name.to_owned(),
        description: Some("what it does".to_owned()),
        parameters: Some(json!({ "type": "object" })),
        strict: Some(true),
        extra: Map::new(),
    }
}

#[test]
fn the_least_request_asks_for_a_stream_with_usage() {
    assert_eq!(
        body(&request(), None, false, &config()).unwrap(),
        json!({
            "model": "m", "messages": [{ "role": "user", "content": "hello" }],
            "stream": true, "stream_options": { "include_usage": true },
        })
    );
}

#[test]
fn every_parameter_is_passed_on() {
    let mut request = request();
    request.max_output_tokens = Some(100);
    request.temperature = Some(0.5);
    request.top_p = Some(0.9);
    request.presence_penalty = Some(0.1);
    request.frequency_penalty = Some(0.2);
    request.top_logprobs = Some(3);
    request.service_tier = Some("flex".to_owned());
    request.safety_identifier = Some("somebody".to_owned());
    request.prompt_cache_key = Some("key".to_owned());
    request.metadata.insert("a".to_owned(), "b".to_owned());
    request.text.verbosity = Some("low".to_owned());
    request.reasoning = Some(Reasoning {
        effort: Some("high".to_owned()),
        summary: Some("auto".to_owned()),
        ..Reasoning::default()
    });
    request.truncation = Some("disabled".to_owned());
    request.extra.insert("stop".to_owned(), json!(["\n"]));
    request.extra.insert("stream".to_owned(), json!(false));

    let body = body(&request, None, false, &config()).unwrap();
    for (name, value) in [
        ("max_tokens", json!(100)),
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("presence_penalty", json!(0.1)),
        ("frequency_penalty", json!(0.2)),
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("service_tier", json!("flex")),
        ("safety_identifier", json!("somebody")),
        ("prompt_cache_key", json!("key")),
        ("metadata", json!({ "a": "b" })),
        ("verbosity", json!("low")),
        ("reasoning_effort", json!("high")),
        ("stop", json!(["\n"])),
        ("stream", json!(true)),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
}

#[test]
fn settings_choose_among_the_servers_ways() {
    let mut request = request();
    request.max_output_tokens = Some(100);
    request.metadata.insert("a".to_owned(), "b".to_owned());
    let mut config = config();
    config.max_tokens_field = MaxTokensField::MaxCompletionTokens;
    config.send_metadata = false;
    let body = body(&request, None, false, &config).unwrap();
    assert_eq!(body["max_completion_tokens"], 100);
    assert!(body.get("max_tokens").is_none() && body.get("metadata").is_none());
}

#[test]
fn what_cannot_be_expressed_is_refused_by_name() {
    let mut request = request();
    request.truncation = Some("auto".to_owned());
    let error = body(&request, None, false, &config()).unwrap_err();
    assert_eq!((error.fault, error.param.as_deref()), (Fault::Refused, Some("truncation")));
}

#[test]
fn what_the_standard_does_not_name_is_passed_on_or_refused() {
    let mut request = request();
    let extra = Map::from_iter([("max_tokens".to_owned(), json!(100))]);
    request.reasoning =
        Some(Reasoning { effort: Some("low".to_owned()), summary: None, extra: extra.clone() });
    let sent = body(&request, None, false, &config()).unwrap();
    assert_eq!(sent["reasoning"], json!({ "effort": "low", "max_tokens": 100 }));
    request.text.extra = extra;
    assert_eq!(body(&request, None, false, &config()).unwrap_err().param.as_deref(), Some("text.max_tokens"));
}

#[test]
fn logprobs_may_be_wanted_without_others() {
    let mut request = request();
    request.include.push("message.output_text.logprobs".to_owned());
    let body = body(&request, None, false, &config()).unwrap();
    assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(0)));
}

#[test]
fn a_form_for_the_text_is_a_response_format() {
    let mut request = request();
    request.text.format = TextFormat::JsonObject;
    assert_eq!(
        body(&request, None, false, &config()).unwrap()["response_format"],
        json!({ "type": "json_object" })
    );
    request.text.format = TextFormat::JsonSchema {
        name: "answer".to_owned(),
        description: None,
        schema: json!({ "type": "object" }),
        strict: true,
    };
    let form = json!({ "name": "answer", "schema": { "type": "object" }, "strict": true });
    let expected = json!({ "type": "json_schema", "json_schema": form });
    assert_eq!(body(&request, None, false, &config()).unwrap()["response_format"], expected);
}

#[test]
fn tools_go_with_their_choice() {
    let mut request = request();
    request.tools = vec![tool("a"), tool("b")];
    request.parallel_tool_calls = false;
    let allowed = |mode| ToolChoice::Allowed { names: vec!["b".to_owned()], mode };
    for (choice, names, expected) in [
        (ToolChoice::Mode(ChoiceMode::Auto), vec!["a", "b"], Value::Null),
        (ToolChoice::Mode(ChoiceMode::None), vec!["a", "b"], json!("none")),
        (ToolChoice::Mode(ChoiceMode::Required), vec!["a", "b"], json!("required")),
        (
            ToolChoice::Function("a".to_owned()),
            vec!["a", "b"],
            json!({ "type": "function", "function": { "name": "a" } }),
        ),
        (allowed(ChoiceMode::Auto), vec!["b"], Value::Null),
        (allowed(ChoiceMode::Required), vec!["b"], json!("required")),
    ] {
        request.tool_choice = choice;
        let body = body(&request, None, false, &config()).unwrap();
        let sent: Vec<&str> = body["tools"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|tool| tool["function"]["name"].as_str())
            .collect();
        assert_eq!((sent, &body["tool_choice"]), (names, &expected), "{:?}", request.tool_choice);
        assert_eq!(body["parallel_tool_calls"], false);
    }
    assert_eq!(
        body(&request, None, false, &config()).unwrap()["tools"][0],
        json!({ "type": "function", "function": {
            "name": "b", "description": "what it does", "parameters": { "type": "object" }, "strict": true,
        }})
    );
}

#[test]
fn a_choice_without_tools_is_not_sent() {
    let mut request = request();
    request.tool_choice = ToolChoice::Mode(ChoiceMode::None);
    request.parallel_tool_calls = false;
    let body = body(&request, None, false, &config()).unwrap();
    assert!(body.get("tool_choice").is_none() && body.get("parallel_tool_calls").is_none());
}

#[test]
fn a_text_is_carried_on_in_each_style() {
    let mut config = config();
    let last = |body: &Value| body["messages"].as_array().unwrap().last().unwrap().clone();
    let plain = json!({ "role": "assistant", "content": "so far" });

    let trailing = body(&request(), Some("so far"), false, &config).unwrap();
    assert_eq!((last(&trailing), trailing.get("continue_final_message")), (plain.clone(), None));

    config.prefill = PrefillStyle::ContinueFinalMessage;
    let flagged = body(&request(), Some("so far"), false, &config).unwrap();
    assert_eq!(last(&flagged), plain);
    assert_eq!(
        (&flagged["continue_final_message"], &flagged["add_generation_prompt"]),
        (&json!(true), &json!(false))
    );

    config.prefill = PrefillStyle::PrefixMember;
    let marked = body(&request(), Some("so far"), false, &config).unwrap();
    assert_eq!(last(&marked)["prefix"], true);

    let nothing = body(&request(), Some(""), false, &config).unwrap();
    assert_eq!(last(&nothing)["role"], "user");
}
