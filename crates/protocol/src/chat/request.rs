//! The body of `POST /v1/chat/completions`.

use std::collections::HashSet;

use serde_json::{Map, Value};
use stream::TraceContext;

use super::messages;
use crate::{
    ApiError, FunctionTool, Reasoning, Request, TextFormat, TextOptions, ToolChoice,
    parse::{
        envelope, json,
        node::{MAX_TEXT, Node, Result},
        options, tools,
    },
};

/// A Chat Completions request, and how the client wants to hear the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatCreate {
    /// What to produce.
    pub request: Request,
    /// Whether to tell it as it is produced.
    pub stream: bool,
    /// Whether the last chunk shall tell the usage.
    pub include_usage: bool,
    /// Whether chunks shall be padded to hide their lengths.
    pub include_obfuscation: bool,
    /// The client's key for this request. (The header does the same.)
    pub idempotency_key: Option<String>,
    /// The client's own span, by W3C Trace Context. (The headers do the same.)
    pub trace: Option<TraceContext>,
}

/// What has a place of its own in a [`Request`], or is about how to tell the answer. Anything else goes to the model server.
const KNOWN: [&str; 31] = [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "verbosity",
    "reasoning_effort",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "service_tier",
    "metadata",
    "store",
    "safety_identifier",
    "prompt_cache_key",
    "n",
    "stream",
    "stream_options",
    "idempotency_key",
    "traceparent",
    "tracestate",
    "functions",
    "function_call",
    "audio",
    "moderation",
];

/// What the answer could not carry, or the gateway would have to do itself.
const UNSUPPORTED: [(&str, &str); 4] = [
    ("functions", "It is deprecated: use 'tools' instead."),
    ("function_call", "It is deprecated: use 'tool_choice' instead."),
    ("audio", "Answers are text."),
    ("moderation", "No moderation is done here."),
];

/// Reads the body of `POST /v1/chat/completions`.
///
/// # Errors
/// What is wrong with it, naming the parameter.
pub fn chat_create(body: &[u8], max_depth: usize) -> Result<ChatCreate, ApiError> {
    let value = Value::Object(json::read_object(body, max_depth)?);
    let body = Node::root(&value);
    check_supported(&body)?;
    let stream = body.optional("stream", |stream| stream.boolean())?.unwrap_or(false);
    let (include_usage, include_obfuscation) = stream_options(&body, stream)?;
    let mut create = ChatCreate {
        request: request(&body)?,
        stream,
        include_usage,
        include_obfuscation,
        idempotency_key: envelope::idempotency_key(&body)?,
        trace: envelope::trace(&body)?,
    };
    create.request.extra = extra(&body)?;
    Ok(create)
}

fn check_supported(body: &Node<'_, '_>) -> Result<()> {
    if let Some((member, why)) = UNSUPPORTED.iter().find_map(|(name, why)| Some((body.get(name)?, why))) {
        return Err(member.unsupported(why));
    }
    if let Some(n) = body.get("n")
        && n.integer(1..=u64::MAX)? > 1
    {
        return Err(n.unsupported("One answer is given to each request: send the request several times."));
    }
    if let Some(modalities) = body.get("modalities") {
        for modality in modalities.elements()? {
            modality.one_of(&["text"])?;
        }
    }
    Ok(())
}

/// Whether to tell the usage, and whether to pad.
fn stream_options(body: &Node<'_, '_>, stream: bool) -> Result<(bool, bool)> {
    let Some(options) = body.get("stream_options") else { return Ok((false, false)) };
    if !stream {
        return Err(options.unsupported("It is only allowed when 'stream' is true."));
    }
    options.only(&["include_usage", "include_obfuscation"])?;
    let flag = |name| Ok(options.optional(name, |flag| flag.boolean())?.unwrap_or(false));
    Ok((flag("include_usage")?, flag("include_obfuscation")?))
}

fn request(body: &Node<'_, '_>) -> Result<Request> {
    let tools = tools(body)?;
    let number = |name, low: f64, high: f64| body.optional(name, |number| number.number(low..=high));
    let flag = |name| body.optional(name, |flag| flag.boolean());
    let short = |name| body.optional(name, |text| text.string(envelope::MAX_KEY).map(str::to_owned));
    let logprobs = flag("logprobs")?.unwrap_or(false);
    Ok(Request {
        input: messages::items(&body.require("messages")?)?,
        tool_choice: tool_choice(body, &tools)?,
        tools,
        parallel_tool_calls: flag("parallel_tool_calls")?.unwrap_or(true),
        max_output_tokens: max_output_tokens(body)?,
        text: TextOptions {
            format: body.optional("response_format", response_format)?.unwrap_or_default(),
            verbosity: body.optional("verbosity", options::verbosity)?,
            extra: Map::new(),
        },
        reasoning: body
            .optional("reasoning_effort", options::effort)?
            .map(|effort| Reasoning { effort: Some(effort), ..Reasoning::default() }),
        temperature: number("temperature", 0.0, 2.0)?,
        top_p: number("top_p", 0.0, 1.0)?,
        presence_penalty: number("presence_penalty", -2.0, 2.0)?,
        frequency_penalty: number("frequency_penalty", -2.0, 2.0)?,
        top_logprobs: top_logprobs(body, logprobs)?,
        include: if logprobs { vec![options::LOGPROBS.to_owned()] } else { Vec::new() },
        service_tier: body
            .optional("service_tier", |tier| tier.one_of(&options::SERVICE_TIERS).map(str::to_owned))?,
        metadata: body.optional("metadata", options::metadata)?.unwrap_or_default(),
        store: flag("store")?.unwrap_or(false),
        safety_identifier: short("safety_identifier")?,
        prompt_cache_key: short("prompt_cache_key")?,
        ..Request::new(body.require("model")?.filled(MAX_TEXT)?)
    })
}

fn max_output_tokens(body: &Node<'_, '_>) -> Result<Option<u64>> {
    let old = body.optional("max_tokens", |max| max.integer(1..=u64::MAX))?;
    let new = body.optional("max_completion_tokens", |max| max.integer(1..=u64::MAX))?;
    match (old, new, body.get("max_tokens")) {
        (Some(old), Some(new), Some(at)) if old != new => {
            Err(at.unsupported("It cannot have another value than 'max_completion_tokens'."))
        }
        _ => Ok(new.or(old)),
    }
}

fn top_logprobs(body: &Node<'_, '_>, logprobs: bool) -> Result<Option<u64>> {
    let top = body.optional("top_logprobs", |top| top.integer(0..=20))?;
    match body.get("top_logprobs") {
        Some(at) if !logprobs && top != Some(0) => {
            Err(at.error("invalid_value", "'top_logprobs' is only allowed when 'logprobs' is true."))
        }
        _ => Ok(top),
    }
}

/// `json_schema` stands one level deeper than in Open Responses.
fn response_format(format: &Node<'_, '_>) -> Result<TextFormat> {
    match format.require("type")?.one_of(&["text", "json_object", "json_schema"])? {
        "text" => format.only(&["type"]).map(|()| TextFormat::Text),
        "json_object" => format.only(&["type"]).map(|()| TextFormat::JsonObject),
        _ => {
            format.only(&["type", "json_schema"])?;
            let schema = format.require("json_schema")?;
            schema.only(&["name", "description", "schema", "strict"])?;
            options::json_schema(&schema)
        }
    }
}

/// A function's definition stands one level deeper than in Open Responses. A vendor's own members stand outside of it.
fn tools(body: &Node<'_, '_>) -> Result<Vec<FunctionTool>> {
    let Some(list) = body.get("tools") else { return Ok(Vec::new()) };
    tools::check_length(&list, tools::MAX_TOOLS)?;
    let mut names = HashSet::new();
    let mut tools = Vec::new();
    for tool in list.elements()? {
        tool.require("type")?.one_of(&["function"])?;
        let function = tool.require("function")?;
        function.only(&["name", "description", "parameters", "strict"])?;
        let read = tools::function(&function, options::extra(&tool, &["type", "function"])?)?;
        tools::check_unique(&mut names, &function, &read)?;
        tools.push(read);
    }
    Ok(tools)
}

fn tool_choice(body: &Node<'_, '_>, tools: &[FunctionTool]) -> Result<ToolChoice> {
    let Some(choice) = body.get("tool_choice") else { return Ok(ToolChoice::default()) };
    if !choice.value.is_object() {
        return tools::mode_choice(&choice, tools);
    }
    let named = |choice: &Node<'_, '_>| {
        choice.require("type")?.one_of(&["function"])?;
        choice.only(&["type", "function"])?;
        tools::known_name(&choice.require("function")?.require("name")?, tools)
    };
    match choice.require("type")?.one_of(&["function", "allowed_tools"])? {
        "function" => named(&choice).map(ToolChoice::Function),
        _ => {
            choice.only(&["type", "allowed_tools"])?;
            let allowed = choice.require("allowed_tools")?;
            allowed.only(&["tools", "mode"])?;
            tools::allowed(&allowed, tools, named)
        }
    }
}

/// Everything that has no place in a [`Request`], as sent, after a look at the types of what is well known.
fn extra(body: &Node<'_, '_>) -> Result<Map<String, Value>> {
    body.optional("stop", |stop| match stop.value {
        Value::Array(_) => stop.elements()?.try_for_each(|stop| stop.text().map(drop)),
        Value::String(_) => Ok(()),
        _ => Err(stop.wrong_type("a string or an array")),
    })?;
    body.optional("logit_bias", |bias| {
        bias.members()?.try_for_each(|(_, bias)| bias.number(-100.0..=100.0).map(drop))
    })?;
    body.optional("seed", |seed| match seed.value {
        Value::Number(number) if !number.is_f64() => Ok(()),
        _ => Err(seed.wrong_type("an integer")),
    })?;
    body.optional("user", |user| user.text())?;
    options::extra(body, &KNOWN)
}
