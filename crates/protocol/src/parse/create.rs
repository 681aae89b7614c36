//! The body of `POST /v1/responses`, of `response.create`, and of `POST /v1/responses/compact`.

use serde_json::Value;
use stream::TraceContext;

use super::{
    envelope, input, json,
    node::{MAX_TEXT, Node, Result},
    options::{self, owned},
    tools,
};
use crate::{ApiError, Request};

/// A request for a response, and how the client wants to hear of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Create {
    /// What to produce.
    pub request: Request,
    /// Whether to tell it as it is produced. Always so on a WebSocket.
    pub stream: bool,
    /// The lane; on a WebSocket only.
    pub stream_id: Option<String>,
    /// Whether to produce anything: `false` prepares a response that can be continued.
    pub generate: bool,
    /// The client's key for this request: sent again, it is the same response. (The header does the same.)
    pub idempotency_key: Option<String>,
    /// The client's own span, by W3C Trace Context. (The headers do the same.)
    pub trace: Option<TraceContext>,
    /// Whether deltas shall be padded to hide their lengths.
    pub include_obfuscation: bool,
}

impl Create {
    /// A request that is told whole, over HTTP, and about which nothing else was said.
    pub const fn new(request: Request) -> Self {
        Self {
            request,
            stream: false,
            stream_id: None,
            generate: true,
            idempotency_key: None,
            trace: None,
            include_obfuscation: false,
        }
    }
}

/// A request for a shorter form of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Compact {
    /// The model and the conversation; all else has its default, and nothing is stored.
    pub request: Request,
    /// The client's key for this request.
    pub idempotency_key: Option<String>,
    /// The client's own span.
    pub trace: Option<TraceContext>,
}

/// By which door a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Http,
    WebSocket,
}

/// What is read here; anything else at the top goes to the model server.
const KNOWN: [&str; 32] = [
    "type",
    "model",
    "input",
    "instructions",
    "previous_response_id",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_tool_calls",
    "max_output_tokens",
    "text",
    "reasoning",
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "include",
    "truncation",
    "service_tier",
    "metadata",
    "store",
    "background",
    "safety_identifier",
    "prompt_cache_key",
    "stream",
    "stream_options",
    "stream_id",
    "generate",
    "idempotency_key",
    "traceparent",
    "tracestate",
];

/// Parameters of OpenAI's that the gateway itself would have to carry out.
const UNSUPPORTED: [(&str, &str); 5] = [
    ("conversation", "Continue a conversation with 'previous_response_id'."),
    ("prompt", "Stored prompts are not served here: send 'instructions' and 'input'."),
    ("context_management", "Shorten a conversation with POST /v1/responses/compact."),
    ("moderation", "No moderation is done here."),
    ("background_options", "There is one way to run in the background: as soon as possible."),
];

/// Reads the body of `POST /v1/responses`.
///
/// # Errors
/// What is wrong with it, naming the parameter.
pub fn create(body: &[u8], max_depth: usize) -> Result<Create, ApiError> {
    read(Value::Object(json::read_object(body, max_depth)?), Door::Http)
}

/// Reads the body of `POST /v1/responses/compact`.
///
/// # Errors
/// What is wrong with it, naming the parameter.
pub fn compact(body: &[u8], max_depth: usize) -> Result<Compact, ApiError> {
    let value = Value::Object(json::read_object(body, max_depth)?);
    let body = Node::root(&value);
    check_supported(&body)?;
    for name in ["stream", "background"] {
        if body.optional(name, |flag| flag.boolean())? == Some(true) {
            return Err(ApiError::invalid(
                name,
                "unsupported_parameter",
                format!("Unsupported parameter: '{name}'. A compaction is answered at once and whole."),
            ));
        }
    }
    let mut request = Request { store: false, ..request(&body)? };
    check_has_input(&body)?;
    let (idempotency_key, trace) = (envelope::idempotency_key(&body)?, envelope::trace(&body)?);
    take_input_and_extra(value, &mut request);
    Ok(Compact { request, idempotency_key, trace })
}

/// Reads a create body that came in by `door`.
pub(super) fn read(value: Value, door: Door) -> Result<Create> {
    let body = Node::root(&value);
    body.optional("type", |kind| kind.one_of(&["response.create"]))?;
    check_supported(&body)?;
    let (stream, include_obfuscation) = delivery(&body, door)?;
    let mut create = Create {
        stream,
        stream_id: envelope::stream_id(&body)?,
        generate: body.optional("generate", |generate| generate.boolean())?.unwrap_or(true),
        idempotency_key: envelope::idempotency_key(&body)?,
        trace: envelope::trace(&body)?,
        include_obfuscation,
        ..Create::new(request(&body)?)
    };
    if create.generate && create.request.instructions.is_none() {
        check_has_input(&body)?;
    }
    take_input_and_extra(value, &mut create.request);
    Ok(create)
}

/// Whether to stream, and whether to pad; refuses what does not belong to this door.
fn delivery(body: &Node<'_, '_>, door: Door) -> Result<(bool, bool)> {
    let stream = body.optional("stream", |stream| stream.boolean())?;
    let padding = |options: &Node<'_, '_>| {
        options.only(&["include_obfuscation"])?;
        options.optional("include_obfuscation", |include| include.boolean())
    };
    match door {
        Door::Http => {
            if let Some(id) = body.get("stream_id") {
                return Err(id.unsupported("Lanes belong to the WebSocket at /v1/responses."));
            }
            if let (Some(options), None | Some(false)) = (body.get("stream_options"), stream) {
                return Err(options.unsupported("It is only allowed when 'stream' is true."));
            }
            let padded = body.optional("stream_options", padding)?.flatten();
            Ok((stream.unwrap_or(false), padded.unwrap_or(false)))
        }
        Door::WebSocket => {
            // Clients that use one type for both doors send `stream: true`, which is what happens anyway.
            if let (Some(member), Some(false)) = (body.get("stream"), stream) {
                return Err(member.unsupported("A WebSocket always streams."));
            }
            if let Some(options) = body.get("stream_options") {
                return Err(options.unsupported("It does not belong to a WebSocket."));
            }
            match body.get("background") {
                Some(background) if background.boolean()? => {
                    Err(background.unsupported("Use POST /v1/responses to run in the background."))
                }
                _ => Ok((true, false)),
            }
        }
    }
}

/// All of the request but its input and what the standard does not name.
fn request(body: &Node<'_, '_>) -> Result<Request> {
    body.optional("input", input::check_input)?;
    let tools = tools::tools(body)?;
    let flag = |name| body.optional(name, |flag| flag.boolean());
    let number = |name, low: f64, high: f64| body.optional(name, |number| number.number(low..=high));
    let count = |name, low: u64, high: u64| body.optional(name, |count| count.integer(low..=high));
    let short = |name| body.optional(name, |text| text.string(envelope::MAX_KEY).map(str::to_owned));
    let choice =
        |name, from: &[&'static str]| body.optional(name, |text| text.one_of(from).map(str::to_owned));
    let request = Request {
        instructions: body.optional("instructions", owned)?,
        previous_response_id: body.optional("previous_response_id", owned)?,
        tool_choice: tools::tool_choice(body, &tools)?,
        tools,
        parallel_tool_calls: flag("parallel_tool_calls")?.unwrap_or(true),
        max_tool_calls: count("max_tool_calls", 1, u64::MAX)?,
        max_output_tokens: count("max_output_tokens", 16, u64::MAX)?,
        text: body.optional("text", options::text)?.unwrap_or_default(),
        reasoning: body.optional("reasoning", options::reasoning)?,
        temperature: number("temperature", 0.0, 2.0)?,
        top_p: number("top_p", 0.0, 1.0)?,
        presence_penalty: number("presence_penalty", -2.0, 2.0)?,
        frequency_penalty: number("frequency_penalty", -2.0, 2.0)?,
        top_logprobs: count("top_logprobs", 0, 20)?,
        include: body.optional("include", options::include)?.unwrap_or_default(),
        truncation: choice("truncation", &["auto", "disabled"])?,
        service_tier: choice("service_tier", &options::SERVICE_TIERS)?,
        metadata: body.optional("metadata", options::metadata)?.unwrap_or_default(),
        store: flag("store")?.unwrap_or(true),
        background: flag("background")?.unwrap_or(false),
        safety_identifier: short("safety_identifier")?,
        prompt_cache_key: short("prompt_cache_key")?,
        ..Request::new(body.require("model")?.filled(MAX_TEXT)?)
    };
    match body.get("background") {
        Some(background) if request.background && !request.store => Err(background
            .error("invalid_value", "Background responses must be stored: 'store' cannot be false.")),
        _ => Ok(request),
    }
}

/// There must be something to answer.
fn check_has_input(body: &Node<'_, '_>) -> Result<()> {
    let empty = body.get("input").is_none_or(|input| input.value.as_array().is_some_and(Vec::is_empty));
    if empty && body.get("previous_response_id").is_none() {
        return Err(ApiError::invalid(
            "input",
            "missing_required_parameter",
            "Missing required parameter: one of 'input' or 'previous_response_id' must be provided.",
        ));
    }
    Ok(())
}

fn check_supported(body: &Node<'_, '_>) -> Result<()> {
    match UNSUPPORTED.iter().find_map(|(name, why)| Some((body.get(name)?, why))) {
        Some((member, why)) => Err(member.unsupported(why)),
        None => Ok(()),
    }
}

/// Moves what was only looked at so far into the request.
fn take_input_and_extra(mut body: Value, request: &mut Request) {
    request.input = body.get_mut("input").map(Value::take).map(input::into_items).unwrap_or_default();
    if let Value::Object(mut members) = body {
        let unsupported = |name: &str| UNSUPPORTED.iter().any(|(other, _)| *other == name);
        members.retain(|name, _| !KNOWN.contains(&name.as_str()) && !unsupported(name));
        request.extra = members;
    }
}
