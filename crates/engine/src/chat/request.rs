//! A request in the words of Chat Completions. The table is in the documentation of [the engine](super).

use protocol::{ChoiceMode, FunctionTool, Reasoning, Request, TextFormat, ToolChoice};
use serde_json::{Map, Value, json};

use super::{ChatConfig, MaxTokensField, PrefillStyle, messages};
use crate::{Error, Fault};

/// A body for `POST /v1/chat/completions` that asks for `request`, or for what comes after `prefix` in its answer.
pub(super) fn body(
    request: &Request,
    prefix: Option<&str>,
    continuous_usage: bool,
    config: &ChatConfig,
) -> Result<Value, Error> {
    if request.truncation.as_deref().is_some_and(|truncation| truncation != "disabled") {
        return Err(refused("truncation", "This model's server cannot truncate the input. Use 'disabled'."));
    }
    if let Some(name) = request.text.extra.keys().next() {
        return Err(refused(&format!("text.{name}"), "This model's server has no form for this parameter."));
    }
    let mut messages = messages::messages(request, config.reasoning_member.as_deref())?;
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);

    if let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) {
        let mut message = json!({ "role": "assistant", "content": prefix });
        match config.prefill {
            PrefillStyle::Trailing => {}
            PrefillStyle::PrefixMember => message["prefix"] = true.into(),
            PrefillStyle::ContinueFinalMessage => {
                set("continue_final_message", true.into());
                set("add_generation_prompt", false.into());
            }
        }
        messages.push(message);
    }
    set("model", request.model.as_str().into());
    set("messages", messages.into());
    set("stream", true.into());
    let mut options = json!({ "include_usage": true });
    if continuous_usage {
        options["continuous_usage_stats"] = true.into();
    }
    set("stream_options", options);

    set_tools(request, &mut body);
    set_sampling(request, config, &mut body);
    set_form(request, &mut body);
    set_notes(request, config, &mut body);
    for (name, value) in &request.extra {
        body.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    Ok(body.into())
}

fn set_tools(request: &Request, body: &mut Map<String, Value>) {
    let is_allowed = |tool: &&FunctionTool| match &request.tool_choice {
        ToolChoice::Allowed { names, .. } => names.contains(&tool.name),
        ToolChoice::Mode(_) | ToolChoice::Function(_) => true,
    };
    let tools: Vec<Value> = request.tools.iter().filter(is_allowed).map(tool).collect();
    // A choice without tools is an error at some servers, and says nothing.
    if tools.is_empty() {
        return;
    }
    body.insert("tools".to_owned(), tools.into());
    let choice = match &request.tool_choice {
        // The default, and not every server accepts to be told so.
        ToolChoice::Mode(ChoiceMode::Auto) | ToolChoice::Allowed { mode: ChoiceMode::Auto, .. } => None,
        ToolChoice::Mode(mode) | ToolChoice::Allowed { mode, .. } => Some(mode.name().into()),
        ToolChoice::Function(name) => Some(json!({ "type": "function", "function": { "name": name } })),
    };
    body.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    if !request.parallel_tool_calls {
        body.insert("parallel_tool_calls".to_owned(), false.into());
    }
}

fn tool(tool: &FunctionTool) -> Value {
    let mut function = Map::new();
    function.insert("name".to_owned(), tool.name.as_str().into());
    function.extend(tool.description.as_deref().map(|text| ("description".to_owned(), text.into())));
    function.extend(tool.parameters.clone().map(|schema| ("parameters".to_owned(), schema)));
    function.extend(tool.strict.map(|strict| ("strict".to_owned(), strict.into())));
    let mut outer = Map::new();
    outer.insert("type".to_owned(), "function".into());
    outer.insert("function".to_owned(), function.into());
    for (name, value) in &tool.extra {
        outer.entry(name.as_str()).or_insert_with(|| value.clone());
    }
    outer.into()
}

fn set_sampling(request: &Request, config: &ChatConfig, body: &mut Map<String, Value>) {
    let max_tokens = match config.max_tokens_field {
        MaxTokensField::MaxTokens => "max_tokens",
        MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
    };
    let numbers = [
        (max_tokens, request.max_output_tokens.map(Value::from)),
        ("temperature", request.temperature.map(Value::from)),
        ("top_p", request.top_p.map(Value::from)),
        ("presence_penalty", request.presence_penalty.map(Value::from)),
        ("frequency_penalty", request.frequency_penalty.map(Value::from)),
    ];
    body.extend(numbers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));

    let is_included = request.include.iter().any(|name| name == "message.output_text.logprobs");
    if is_included || request.top_logprobs.is_some_and(|top| top > 0) {
        body.insert("logprobs".to_owned(), true.into());
        body.insert("top_logprobs".to_owned(), request.top_logprobs.unwrap_or(0).into());
    }
}

fn set_form(request: &Request, body: &mut Map<String, Value>) {
    let format = match &request.text.format {
        TextFormat::Text => None,
        TextFormat::JsonObject => Some(json!({ "type": "json_object" })),
        TextFormat::JsonSchema { name, description, schema, strict } => {
            let mut form = json!({ "name": name, "schema": schema, "strict": strict });
            if let Some(description) = description {
                form["description"] = description.as_str().into();
            }
            Some(json!({ "type": "json_schema", "json_schema": form }))
        }
    };
    let reasoning = request.reasoning.as_ref();
    let effort = reasoning.and_then(|reasoning| reasoning.effort.as_deref());
    let members = [
        ("response_format", format),
        ("verbosity", request.text.verbosity.as_deref().map(Value::from)),
        ("reasoning_effort", effort.map(Value::from)),
        ("reasoning", reasoning.and_then(more_reasoning)),
    ];
    body.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
}

/// The object in which some servers take more about reasoning than the effort; sent only if there is more.
fn more_reasoning(reasoning: &Reasoning) -> Option<Value> {
    let effort = reasoning.effort.as_deref().map(|effort| ("effort".to_owned(), effort.into()));
    let more = reasoning.extra.iter().map(|(name, value)| (name.clone(), value.clone()));
    (!reasoning.extra.is_empty()).then(|| effort.into_iter().chain(more).collect::<Map<_, _>>().into())
}

fn set_notes(request: &Request, config: &ChatConfig, body: &mut Map<String, Value>) {
    let metadata = Some(&request.metadata).filter(|metadata| config.send_metadata && !metadata.is_empty());
    let members = [
        ("service_tier", request.service_tier.as_deref().map(Value::from)),
        ("safety_identifier", request.safety_identifier.as_deref().map(Value::from)),
        ("prompt_cache_key", request.prompt_cache_key.as_deref().map(Value::from)),
        ("metadata", metadata.map(|metadata| json!(metadata))),
    ];
    body.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
}

/// What Chat Completions cannot express.
pub(super) fn refused(param: &str, message: impl Into<String>) -> Error {
    let mut error =
        Error::new(Fault::Refused, message, "refused by the engine: Chat Completions has no form for it");
    error.param = Some(param.to_owned());
    error.code = Some("unsupported_parameter".to_owned());
    error
}
