//! `narthex jobs show`: one job, with what its user asked.

use std::fmt::Write;

use anstyle::Style;
use broker::{FoundJob, JobState};
use serde_json::Value;

use super::{
    listing::entry_json,
    words::{duration, harmless, kind, note, state},
};

const FAINT: Style = Style::new().dimmed();

/// For people.
pub(super) fn to_text(found: &FoundJob, standing: Option<&Value>) -> String {
    let entry = &found.entry;
    let header = &entry.header;
    let is = match entry.state {
        JobState::Waiting => state(entry).to_owned(),
        _ => format!("{} ({})", state(entry), note(entry)),
    };
    let runs = match header.background {
        true => "in the background".to_owned(),
        false => {
            format!("for {} without a listener", duration(std::time::Duration::from_millis(header.grace_ms)))
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
        ("stream", standing.map_or_else(|| "expired".to_owned(), stands)),
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
pub(super) fn to_json(found: &FoundJob, standing: Option<Value>) -> Value {
    let mut told = entry_json(&found.entry);
    told["traceparent"] = found.job.traceparent.as_str().into();
    told["stream"] = standing.unwrap_or_default();
    told["request"] = request(found).unwrap_or_else(Value::from);
    told
}

/// The status of a response, and why it failed if it did.
fn stands(response: &Value) -> String {
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
