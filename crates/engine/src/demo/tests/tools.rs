use protocol::{ChoiceMode, FunctionTool, ToolChoice};
use serde_json::{Map, json};

use super::*;
use crate::Finish;

fn tool(name: &str, parameters: Value) -> FunctionTool {
    FunctionTool {
        name: name.to_owned(),
        description: None,
        parameters: Some(parameters),
        strict: None,
        extra: Map::new(),
    }
}

fn with_tools(question: &str) -> Request {
    let city = json!({
        "type": "object", "required": ["city", "unit"],
        "properties": { "city": { "type": "string" }, "unit": { "enum": ["celsius", "fahrenheit"] } },
    });
    let factors = json!({
        "type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "number" } },
    });
    Request { tools: vec![tool("get_weather", city), tool("multiply", factors)], ..asking(question) }
}

/// The calls as `name arguments`, and their ids.
async fn calls(request: Request) -> (Vec<String>, Vec<String>) {
    let (outputs, _) = read(request, "").await;
    let (mut calls, mut ids) = (Vec::<String>::new(), Vec::new());
    for output in &outputs {
        match output {
            Output::Call { name, call_id, .. } => {
                calls.push(format!("{name} "));
                ids.push(call_id.clone());
            }
            Output::Arguments { index, text } => calls[*index as usize].push_str(text),
            _ => {}
        }
    }
    assert_eq!(outputs.last(), Some(&Output::Finish(Finish::Stop)));
    (calls, ids)
}

#[tokio::test]
async fn what_is_asked_for_is_called() {
    let weather = |city: &str| format!(r#"get_weather {{"city":"{city}","unit":"celsius"}}"#);
    for (question, expected) in [
        ("What is the weather in Rome today?", vec![weather("Rome")]),
        ("Weather for New York and Oslo?", vec![weather("New York"), weather("Oslo")]),
        ("Multiply 6 by 7.5", vec![r#"multiply {"a":6,"b":7.5}"#.to_owned()]),
        ("Use a tool, any tool", vec![weather("Athens")]),
        ("Count to 3", vec![]),
    ] {
        assert_eq!(calls(with_tools(question)).await.0, expected, "{question}");
    }
}

#[tokio::test]
async fn the_choice_of_tools_is_kept() {
    let allowed = |mode| ToolChoice::Allowed { names: vec!["multiply".to_owned()], mode };
    for (question, choice, expected) in [
        ("hello", ToolChoice::Mode(ChoiceMode::Required), Some("get_weather")),
        ("hello", ToolChoice::Function("multiply".to_owned()), Some("multiply")),
        ("hello", allowed(ChoiceMode::Required), Some("multiply")),
        ("the weather?", allowed(ChoiceMode::Auto), None),
        ("the weather?", ToolChoice::Mode(ChoiceMode::None), None),
    ] {
        let (told, _) = calls(Request { tool_choice: choice.clone(), ..with_tools(question) }).await;
        assert_eq!(
            told.first().map(|call| call.split(' ').next().unwrap()),
            expected,
            "{question} {choice:?}"
        );
    }
    let question = "Weather in Rome and Oslo?";
    assert_eq!(calls(Request { parallel_tool_calls: false, ..with_tools(question) }).await.0.len(), 1);
    assert_eq!(calls(Request { max_tool_calls: Some(1), ..with_tools(question) }).await.0.len(), 1);
}

#[tokio::test]
async fn the_outputs_of_tools_are_the_answer() {
    let mut request = with_tools("");
    request.tool_choice = ToolChoice::Mode(ChoiceMode::Required);
    request.input = items(json!([
        { "role": "user", "content": "Weather in Rome and Oslo?" },
        { "type": "function_call", "call_id": "a", "name": "get_weather", "arguments": "{}" },
        { "type": "function_call", "call_id": "b", "name": "get_weather", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "a", "output": "sunny" },
        { "type": "function_call_output", "call_id": "b", "output": [{ "type": "input_text", "text": "rain" }] },
    ]));
    assert_eq!(said(request).await, "get_weather says: sunny\nget_weather says: rain");
}

#[tokio::test]
async fn ids_of_calls_are_the_same_again_and_differ_between_turns() {
    let question = "Weather in Rome and Oslo?";
    let (_, ids) = calls(with_tools(question)).await;
    assert_eq!(ids, calls(with_tools(question)).await.1);
    assert_ne!(ids[0], ids[1]);
    let mut later = with_tools("");
    later.input =
        items(json!([{ "role": "assistant", "content": "yes?" }, { "role": "user", "content": question }]));
    assert_ne!(ids[0], calls(later).await.1[0]);
}
