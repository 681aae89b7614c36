//! A request as the standard's create body, for a server that keeps nothing.

use protocol::{FunctionTool, Item, Request, Role, TextFormat, ToolChoice, View, compaction};
use serde_json::{Map, Value, json};

use crate::{Error, Fault};

/// A body for `POST /v1/responses` that asks for `request`, or for what comes after `prefix` in its answer.
pub(super) fn body(request: &Request, prefix: Option<&str>) -> Result<Value, Error> {
    let mut input = request.input.iter().map(item).collect::<Result<Vec<_>, _>>()?;
    if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
        let content = json!([{ "type": "output_text", "text": prefix, "annotations": [] }]);
        input.push(json!({ "type": "message", "role": "assistant", "content": content }));
    }
    let mut body = Map::new();
    let set = [
        ("model", Some(request.model.as_str().into())),
        ("input", Some(input.into())),
        ("instructions", request.instructions.as_deref().map(Value::from)),
        ("stream", Some(true.into())),
        ("store", Some(false.into())),
        ("max_output_tokens", request.max_output_tokens.map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("presence_penalty", request.presence_penalty.map(Value::from)),
        ("frequency_penalty", request.frequency_penalty.map(Value::from)),
        ("top_logprobs", request.top_logprobs.map(Value::from)),
        ("include", (!request.include.is_empty()).then(|| json!(request.include))),
        ("truncation", request.truncation.as_deref().map(Value::from)),
        ("service_tier", request.service_tier.as_deref().map(Value::from)),
        ("metadata", (!request.metadata.is_empty()).then(|| json!(request.metadata))),
        ("safety_identifier", request.safety_identifier.as_deref().map(Value::from)),
        ("prompt_cache_key", request.prompt_cache_key.as_deref().map(Value::from)),
        ("text", text(request)),
        ("reasoning", reasoning(request)),
    ];
    body.extend(set.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    set_tools(request, &mut body);
    for (name, value) in &request.extra {
        body.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    Ok(body.into())
}

fn item(item: &Item) -> Result<Value, Error> {
    match item.view() {
        Some(View::Compaction { encrypted_content }) => {
            let Some(summary) = compaction::decode(encrypted_content) else { return Ok(json!(item)) };
            Ok(json!(Item::message(
                Role::System,
                format!("Summary of the conversation so far:\n\n{summary}")
            )))
        }
        Some(View::Reference { id }) => {
            let message = format!("The item '{id}' that is referred to was not found.");
            let mut error = Error::new(Fault::Refused, message, "an unresolved reference came to the engine");
            error.param = Some("input".to_owned());
            Err(error)
        }
        _ => Ok(json!(item)),
    }
}

fn set_tools(request: &Request, body: &mut Map<String, Value>) {
    if request.tools.is_empty() {
        return;
    }
    let choice = match &request.tool_choice {
        ToolChoice::Mode(mode) => mode.name().into(),
        ToolChoice::Function(name) => json!({ "type": "function", "name": name }),
        ToolChoice::Allowed { names, mode } => {
            let tools: Vec<Value> =
                names.iter().map(|name| json!({ "type": "function", "name": name })).collect();
            json!({ "type": "allowed_tools", "mode": mode.name(), "tools": tools })
        }
    };
    let tools: Vec<Value> = request.tools.iter().map(tool).collect();
    body.insert("tools".to_owned(), tools.into());
    body.insert("tool_choice".to_owned(), choice);
    body.insert("parallel_tool_calls".to_owned(), request.parallel_tool_calls.into());
    body.extend(request.max_tool_calls.map(|max| ("max_tool_calls".to_owned(), max.into())));
}

fn tool(tool: &FunctionTool) -> Value {
    let mut value = json!({
        "type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters,
        "strict": tool.strict,
    });
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
        for (name, member) in &tool.extra {
            members.entry(name.as_str()).or_insert_with(|| member.clone());
        }
    }
    value
}

fn text(request: &Request) -> Option<Value> {
    let mut text = Map::new();
    match &request.text.format {
        TextFormat::Text => {}
        // The typed form is the standard's own.
        format => drop(text.insert("format".to_owned(), without_nulls(json!(format)))),
    }
    text.extend(
        request.text.verbosity.as_deref().map(|verbosity| ("verbosity".to_owned(), verbosity.into())),
    );
    text.extend(request.text.extra.clone());
    (!text.is_empty()).then(|| text.into())
}

fn reasoning(request: &Request) -> Option<Value> {
    let reasoning = request.reasoning.as_ref()?;
    // The typed form is the standard's own, with what was sent besides.
    Some(without_nulls(json!(reasoning)))
}

fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}
