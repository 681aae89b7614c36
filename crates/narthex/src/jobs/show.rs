//! `narthex jobs show`: one job, with what its user asked.

use std::{fmt::Write, time::Duration};

use anstyle::Style;
use broker::{Broker, FoundJob, JobState};
use serde_json::Value;
use stream::ResponseId;

use super::{
    failed,
    listing::entry_json,
    words::{duration, kind, note, state},
};
use crate::{
    failure::{Failure, chain},
    table::harmless,
};

const FAINT: Style = Style::new().dimmed();

/// The stream of a job's response.
pub(super) enum Stream {
    /// There is none any more.
    Expired,
    /// So the response stands.
    Stands(Value),
    /// Why it cannot be read: it may be what its job died of.
    Unreadable(String),
}

impl Stream {
    /// Reads it.
    pub(super) async fn read(broker: &Broker, id: ResponseId) -> Result<Self, Failure> {
        match gateway::jobs::standing(broker, id).await {
            Ok(response) => Ok(response.map_or(Self::Expired, Self::Stands)),
            Err(error) if error.is_retryable() => Err(failed(error)),
            Err(error) => Ok(Self::Unreadable(chain(&error))),
        }
    }
}

/// For people.
pub(super) fn to_text(found: &FoundJob, stream: &Stream) -> String {
    let entry = &found.entry;
    let header = &entry.header;
    let is = match entry.state {
        JobState::Waiting => state(entry).to_owned(),
        _ => format!("{} ({})", state(entry), note(entry)),
    };
    let runs = match header.background {
        true => "in the background".to_owned(),
        false => {
            format!("for {} without a listener", duration(Duration::from_millis(header.grace_ms)))
        }
    };
    let lines = [
        ("response", entry.id.to_string()),
        ("state", is),
        ("model", header.model.clone()),
        ("attempts", entry.attempts.to_string()),
        ("enqueued", format!("{} ago", duration(entry.age))),
        ("owner", format!("{}/{}", header.tenant, header.user)),
        ("kind", kind(entry.kind).to_owned()),
        ("runs", runs),
        ("stored", if header.store { "yes" } else { "no" }.to_owned()),
        ("stream", told(stream)),
    ];
    let mut out = String::new();
    for (name, value) in lines {
        let _ = writeln!(out, "{FAINT}{name:<10}{FAINT:#} {}", harmless(&value).replace('\n', "\\n"));
    }
    let request = match request(found) {
        Ok(request) => format!("{request:#}"),
        Err(text) => text,
    };
    let _ = writeln!(out, "\n{}", harmless(&request));
    out
}

/// For programs.
pub(super) fn to_json(found: &FoundJob, stream: &Stream) -> Value {
    let mut told = entry_json(&found.entry);
    told["traceparent"] = found.job.trace.as_ref().map(stream::TraceContext::traceparent).into();
    match stream {
        Stream::Expired => told["stream"] = Value::Null,
        Stream::Stands(response) => told["stream"] = response.clone(),
        Stream::Unreadable(why) => told["stream_unreadable"] = why.as_str().into(),
    }
    told["request"] = request(found).unwrap_or_else(Value::from);
    told
}

/// The status of a response, and why it failed if it did.
fn told(stream: &Stream) -> String {
    let response = match stream {
        Stream::Expired => return "expired".to_owned(),
        Stream::Unreadable(why) => return format!("failed to {why}"),
        Stream::Stands(response) => response,
    };
    let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let status = text(&response["status"]);
    match &response["error"] {
        Value::Null => status,
        error => format!("{status}, {}: {}", text(&error["code"]), text(&error["message"])),
    }
}

/// What the user asked; as text, if it cannot be read.
fn request(found: &FoundJob) -> Result<Value, String> {
    let bytes = &found.job.request;
    serde_json::from_slice(bytes).map_err(|_| String::from_utf8_lossy(bytes).into_owned())
}
