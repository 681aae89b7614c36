//! The response resource: what `response.created`, the terminal events and `GET /v1/responses/{id}` show.
//!
//! The standard requires 31 members of it, null where unset, so it is made whole at the beginning and only changed at
//! the end. The gateway makes it when it accepts a request, the worker carries it on.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json, value::RawValue};
use stream::{Event, EventKind, ResponseId, Whole};

use crate::{
    FunctionTool, Item, Reasoning, Request, TextFormat, TextOptions, ToolChoice, Usage, event,
    members::{Changed, Members},
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

/// The first event of a response: it was accepted, and is shown as it was asked for. `created_at` is in seconds since 1970.
///
/// What the request left to the model server is shown as the standard's default.
pub fn created(id: ResponseId, created_at: u64, request: &Request, status: &str) -> Whole {
    event::whole(EventKind::Created, &Body { response: Created { id, created_at, request, status } })
}

/// What an event says that shows a response.
#[derive(Serialize, Deserialize)]
struct Body<R> {
    response: R,
}

/// A response that has no output yet.
struct Created<'a> {
    id: ResponseId,
    created_at: u64,
    request: &'a Request,
    status: &'a str,
}

impl Serialize for Created<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, created_at, request, status } = self;
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("id", &id.to_string())?;
        members.serialize_entry("object", "response")?;
        members.serialize_entry("created_at", created_at)?;
        members.serialize_entry("completed_at", &())?;
        members.serialize_entry("status", status)?;
        members.serialize_entry("incomplete_details", &())?;
        members.serialize_entry("model", &request.model)?;
        members.serialize_entry("previous_response_id", &request.previous_response_id)?;
        members.serialize_entry("instructions", &request.instructions)?;
        members.serialize_entry("output", &[(); 0])?;
        members.serialize_entry("error", &())?;
        members.serialize_entry("tools", &request.tools.iter().map(Tool).collect::<Vec<_>>())?;
        members.serialize_entry("tool_choice", &tool_choice(&request.tool_choice))?;
        members.serialize_entry("truncation", request.truncation.as_deref().unwrap_or("disabled"))?;
        members.serialize_entry("parallel_tool_calls", &request.parallel_tool_calls)?;
        members.serialize_entry("text", &text_options(&request.text))?;
        members.serialize_entry("top_p", &request.top_p.unwrap_or(1.0))?;
        members.serialize_entry("presence_penalty", &request.presence_penalty.unwrap_or(0.0))?;
        members.serialize_entry("frequency_penalty", &request.frequency_penalty.unwrap_or(0.0))?;
        members.serialize_entry("top_logprobs", &request.top_logprobs.unwrap_or(0))?;
        members.serialize_entry("temperature", &request.temperature.unwrap_or(1.0))?;
        members.serialize_entry("reasoning", &request.reasoning.as_ref().map(reasoning))?;
        members.serialize_entry("usage", &())?;
        members.serialize_entry("max_output_tokens", &request.max_output_tokens)?;
        members.serialize_entry("max_tool_calls", &request.max_tool_calls)?;
        members.serialize_entry("store", &request.store)?;
        members.serialize_entry("background", &request.background)?;
        members.serialize_entry("service_tier", service_tier(request))?;
        members.serialize_entry("metadata", &request.metadata)?;
        members.serialize_entry("safety_identifier", &request.safety_identifier)?;
        members.serialize_entry("prompt_cache_key", &request.prompt_cache_key)?;
        members.end()
    }
}

/// The terminal event of a response, after the last one that has `shown` it: the resource changes where it has to, and nowhere else. A
/// stream that was lost may have shown none.
///
/// An item that was still in progress is as whole as its response: `completed` with it, otherwise `incomplete`.
/// `completed_at`, in seconds since 1970, is shown only of a response that completed.
pub fn end(
    shown: Option<&Whole>,
    output: Vec<Value>,
    usage: Option<Usage>,
    outcome: &Outcome,
    completed_at: u64,
) -> Whole {
    let completed = *outcome == Outcome::Completed;
    let item_status = if completed { "completed" } else { "incomplete" };
    let changes = [
        ("status", outcome.status().into()),
        ("completed_at", completed.then_some(completed_at).into()),
        ("incomplete_details", outcome.incomplete_details()),
        ("error", outcome.error()),
        ("output", output.into_iter().map(|item| finished(item, item_status)).collect()),
        ("usage", usage.map_or(Value::Null, Usage::to_json)),
    ];
    let members = shown.map(members).unwrap_or_default();
    event::whole(outcome.event_kind(), &Body { response: Changed { members, changes } })
}

/// The resource that an event shows, as it is written.
fn members(shown: &Whole) -> Members<'_> {
    serde_json::from_str(&shown.body).map_or_else(|_| Members::default(), |body: Body<_>| body.response)
}

/// An event that shows the whole resource: created, queued, in progress, or one of the terminal ones.
pub fn lifecycle(kind: EventKind, resource: &Value) -> Event {
    event::whole(kind, &Body { response: resource }).into()
}

/// The event that a worker has begun, after the one that shows the response as it was `created`.
pub fn in_progress(created: &Whole) -> Whole {
    let (kind, status) = (EventKind::InProgress, "in_progress");
    // Unless it was queued, it is in progress from the beginning on, and is shown as it was.
    match Shown::in_body(&created.body) {
        Some(shown) if shown.status == status => Whole { kind, body: created.body.clone() },
        _ => {
            let changes = [("status", status.into())];
            event::whole(kind, &Body { response: Changed { members: members(created), changes } })
        }
    }
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

/// A tool as it is shown, without a copy of its schema.
struct Tool<'a>(&'a FunctionTool);

impl Serialize for Tool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FunctionTool { name, description, parameters, strict, extra } = self.0;
        let mut members = serializer.serialize_map(None)?;
        for (name, value) in extra {
            members.serialize_entry(name, value)?;
        }
        members.serialize_entry("type", "function")?;
        members.serialize_entry("name", name)?;
        members.serialize_entry("description", description)?;
        members.serialize_entry("parameters", parameters)?;
        members.serialize_entry("strict", strict)?;
        members.end()
    }
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
    match event {
        Event::Whole(whole) => whole.response(),
        Event::Delta(_) => None,
    }
}

/// What whoever tells events has to know of a response: as much of the resource, and no more is read.
#[derive(Debug, Deserialize)]
pub struct Shown<'a> {
    /// `completed`, `failed`, …
    pub status: &'a str,
    #[serde(borrow)]
    output: &'a RawValue,
}

impl<'a> Shown<'a> {
    /// What an event shows, if it is one of those that show a response.
    pub fn by(event: &'a Event) -> Option<Self> {
        match event {
            Event::Whole(whole) => Self::in_body(&whole.body),
            Event::Delta(_) => None,
        }
    }

    fn in_body(body: &'a str) -> Option<Self> {
        serde_json::from_str(body).ok().map(|body: Body<_>| body.response)
    }

    /// The output items.
    pub fn output(&self) -> Vec<Item> {
        serde_json::from_str(self.output.get()).unwrap_or_default()
    }
}
