//! The response resource: what `response.created`, the terminal events and `GET /v1/responses/{id}` show.
//!
//! The standard requires 31 members of it, null where unset, so it is made whole at the beginning and only changed at
//! the end. The gateway makes it when it accepts a request, the worker carries it on.

use std::borrow::Cow;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stream::{Event, EventKind, ResponseId, Whole};

use crate::{
    FunctionTool, Reasoning, Request, TextFormat, TextOptions, ToolChoice, Usage, event,
    request::STANDARD_EFFORTS,
};

/// How a response ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The model said all it wanted.
    Completed,
    /// It was cut off.
    Incomplete {
        /// `max_output_tokens`, `content_filter`, `steered`, …
        reason: String,
    },
    /// Something broke.
    Failed {
        /// A code for programs.
        code: String,
        /// A sentence for people.
        message: String,
    },
    /// The client wanted no more of it.
    Cancelled,
}

impl Outcome {
    /// The type of the terminal event.
    pub const fn event_kind(&self) -> EventKind {
        match self {
            Self::Completed => EventKind::Completed,
            Self::Failed { .. } => EventKind::Failed,
            Self::Incomplete { .. } | Self::Cancelled => EventKind::Incomplete,
        }
    }

    /// The resource's `status`.
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete { .. } => "incomplete",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Why it is incomplete. The status alone tells of a cancel: OpenAI's types know no such reason.
    fn incomplete_details(&self) -> Value {
        match self {
            Self::Completed | Self::Failed { .. } | Self::Cancelled => Value::Null,
            Self::Incomplete { reason } => json!({ "reason": reason }),
        }
    }

    fn error(&self) -> Value {
        match self {
            Self::Failed { code, message } => json!({ "code": code, "message": message }),
            Self::Completed | Self::Incomplete { .. } | Self::Cancelled => Value::Null,
        }
    }
}

/// The resource of a response that has no output yet. `created_at` is in seconds since 1970.
///
/// What the request left to the model server is shown as the standard's default.
pub fn resource(id: ResponseId, created_at: u64, request: &Request, status: &str) -> Value {
    json!({
        "id": id.to_string(),
        "object": "response",
        "created_at": created_at,
        "completed_at": null,
        "status": status,
        "incomplete_details": null,
        "model": request.model,
        "previous_response_id": request.previous_response_id,
        "instructions": request.instructions,
        "output": [],
        "error": null,
        "tools": request.tools.iter().map(tool).collect::<Vec<_>>(),
        "tool_choice": tool_choice(&request.tool_choice),
        "truncation": request.truncation.as_deref().unwrap_or("disabled"),
        "parallel_tool_calls": request.parallel_tool_calls,
        "text": text_options(&request.text),
        "top_p": request.top_p.unwrap_or(1.0),
        "presence_penalty": request.presence_penalty.unwrap_or(0.0),
        "frequency_penalty": request.frequency_penalty.unwrap_or(0.0),
        "top_logprobs": request.top_logprobs.unwrap_or(0),
        "temperature": request.temperature.unwrap_or(1.0),
        "reasoning": request.reasoning.as_ref().map(reasoning),
        "usage": null,
        "max_output_tokens": request.max_output_tokens,
        "max_tool_calls": request.max_tool_calls,
        "store": request.store,
        "background": request.background,
        "service_tier": service_tier(request),
        "metadata": request.metadata,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
    })
}

/// Ends a response: the type of its terminal event and the final resource.
///
/// An item that was still in progress is as whole as its response: `completed` with it, otherwise `incomplete`.
/// `completed_at`, in seconds since 1970, is shown only of a response that completed.
pub fn end(
    resource: Value,
    output: Vec<Value>,
    usage: Option<Usage>,
    outcome: &Outcome,
    completed_at: u64,
) -> (EventKind, Value) {
    let completed = *outcome == Outcome::Completed;
    let item_status = if completed { "completed" } else { "incomplete" };
    let mut members = match resource {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    set("status", outcome.status().into());
    set("completed_at", completed.then_some(completed_at).into());
    set("incomplete_details", outcome.incomplete_details());
    set("error", outcome.error());
    set("output", output.into_iter().map(|item| finished(item, item_status)).collect());
    set("usage", usage.map_or(Value::Null, Usage::to_json));
    (outcome.event_kind(), Value::Object(members))
}

/// An event that shows the whole resource: created, queued, in progress, or one of the terminal ones.
pub fn lifecycle(kind: EventKind, resource: &Value) -> Event {
    #[derive(Serialize)]
    struct Body<'a> {
        response: &'a Value,
    }
    event::whole(kind, &Body { response: resource })
}

/// The event that a worker has begun, after one whose body shows the response as it was created.
pub fn in_progress(created: &ByteString) -> Event {
    #[derive(Deserialize)]
    struct Created<'a> {
        #[serde(borrow)]
        response: Shown<'a>,
    }
    #[derive(Deserialize)]
    struct Shown<'a> {
        #[serde(borrow)]
        status: Cow<'a, str>,
    }
    let (kind, status) = (EventKind::InProgress, "in_progress");
    // Unless it was queued, it is in progress from the beginning on, and is shown as it was.
    if serde_json::from_str::<Created<'_>>(created).is_ok_and(|created| created.response.status == status) {
        return Event::Whole(Whole { kind, body: created.clone() });
    }
    let mut resource = resource_in(created).unwrap_or_default();
    resource["status"] = status.into();
    lifecycle(kind, &resource)
}

fn finished(mut item: Value, status: &str) -> Value {
    if let Some(current) = item.get_mut("status")
        && current == "in_progress"
    {
        *current = status.into();
    }
    item
}

/// What the model server makes of `auto` is not known here; the standard wants a tier nevertheless.
fn service_tier(request: &Request) -> &str {
    match request.service_tier.as_deref() {
        None | Some("auto") => "default",
        Some(tier) => tier,
    }
}

fn tool(tool: &FunctionTool) -> Value {
    let mut members = tool.extra.clone();
    members.insert("type".to_owned(), "function".into());
    members.insert("name".to_owned(), tool.name.as_str().into());
    members.insert("description".to_owned(), tool.description.as_deref().into());
    members.insert("parameters".to_owned(), tool.parameters.clone().into());
    members.insert("strict".to_owned(), tool.strict.into());
    Value::Object(members)
}

fn tool_choice(choice: &ToolChoice) -> Value {
    let function = |name: &String| json!({ "type": "function", "name": name });
    match choice {
        ToolChoice::Mode(mode) => mode.name().into(),
        ToolChoice::Function(name) => function(name),
        ToolChoice::Allowed { names, mode } => json!({
            "type": "allowed_tools",
            "tools": names.iter().map(function).collect::<Vec<_>>(),
            "mode": mode.name(),
        }),
    }
}

fn text_options(text: &TextOptions) -> Value {
    let mut members = Map::new();
    members.insert("format".to_owned(), text_format(&text.format));
    if let Some(verbosity) = &text.verbosity {
        members.insert("verbosity".to_owned(), verbosity.as_str().into());
    }
    Value::Object(members)
}

/// The standard's resource has nothing but null for the schema: the client knows what it sent.
fn text_format(format: &TextFormat) -> Value {
    match format {
        TextFormat::Text => json!({ "type": "text" }),
        TextFormat::JsonObject => json!({ "type": "json_object" }),
        TextFormat::JsonSchema { name, description, schema: _, strict } => json!({
            "type": "json_schema", "name": name, "description": description, "schema": null, "strict": strict,
        }),
    }
}

/// An effort that the standard has no name for is asked of the model server, but cannot be shown.
fn reasoning(reasoning: &Reasoning) -> Value {
    let effort = reasoning.effort.as_deref().filter(|effort| STANDARD_EFFORTS.contains(effort));
    json!({ "effort": effort, "summary": reasoning.summary })
}

/// The resource that an event shows, if it is one of those that show it.
pub fn resource_of(event: &Event) -> Option<Value> {
    let Event::Whole(whole) = event else { return None };
    resource_in(&whole.body)
}

fn resource_in(body: &str) -> Option<Value> {
    #[derive(Deserialize)]
    struct Body {
        response: Value,
    }
    serde_json::from_str::<Body>(body).ok().map(|body| body.response).filter(Value::is_object)
}
