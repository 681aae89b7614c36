//! Checks what the system says against the standard's own schema. For tests only.
//!
//! The schema is not part of the project: it is read from the file that the environment variable `NARTHEX_OPENAPI` names,
//! or from `../shared/open-responses/openapi.json` beside the workspace. Where neither is there, a test says so and checks
//! nothing.
//!
//! ```no_run
//! let Some(standard) = schema::Standard::load() else { return println!("{}", schema::NOT_CHECKED) };
//! standard.check("ResponseResource", &serde_json::json!({})).unwrap();
//! ```

use std::{collections::HashMap, path::PathBuf, sync::Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// What a test prints that could not check anything.
pub const NOT_CHECKED: &str = "not checked against the standard's schema: NARTHEX_OPENAPI names no file, and none is in the usual place";

const VARIABLE: &str = "NARTHEX_OPENAPI";
const USUAL_PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/open-responses/openapi.json");

/// How many errors a message tells.
const MAX_ERRORS: usize = 8;

/// The standard: an OpenAPI document with a schema for everything that is said.
#[derive(Debug)]
pub struct Standard {
    document: Value,
    /// The schema of each streaming event, by the event's type.
    events: HashMap<String, String>,
    /// Compiled when first asked for: most tests ask for few of the hundred.
    validators: Mutex<HashMap<String, Validator>>,
}

impl Standard {
    /// The standard, if its file is there.
    ///
    /// # Panics
    /// When the variable names a file that cannot be read, or the file is no OpenAPI document.
    #[expect(
        clippy::disallowed_methods,
        clippy::expect_used,
        reason = "a test's own setting, not the system's"
    )]
    pub fn load() -> Option<Self> {
        let path = match std::env::var(VARIABLE) {
            Ok(path) if !path.is_empty() => PathBuf::from(path),
            _ => Some(PathBuf::from(USUAL_PLACE)).filter(|path| path.exists())?,
        };
        let text = std::fs::read_to_string(&path).expect("the file that NARTHEX_OPENAPI names");
        Some(Self::new(serde_json::from_str(&text).expect("an OpenAPI document")))
    }

    /// The standard in an OpenAPI document.
    pub fn new(document: Value) -> Self {
        let schemas = document["components"]["schemas"].as_object();
        let events = schemas
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.ends_with("StreamingEvent"))
            .filter_map(|(name, schema)| {
                let kind = schema.pointer("/properties/type/enum/0")?.as_str()?;
                Some((kind.to_owned(), name.clone()))
            })
            .collect();
        Self { document, events, validators: Mutex::default() }
    }

    /// The types of streaming events that the standard knows.
    pub fn event_types(&self) -> impl Iterator<Item = &str> {
        self.events.keys().map(String::as_str)
    }

    /// Checks `value` against the schema with this name.
    ///
    /// # Errors
    /// Where it is not as the schema wants it.
    pub fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        let mut validators = self.validators.lock().map_err(|e| e.to_string())?;
        if !validators.contains_key(name) {
            validators.insert(name.to_owned(), self.compile(name)?);
        }
        let errors: Vec<String> = validators[name]
            .iter_errors(value)
            .take(MAX_ERRORS)
            .map(|error| format!("at '{}': {error}", error.instance_path()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(format!("not a {name}: {}\n{value:#}", errors.join("; ")))
        }
    }

    /// Checks one streaming event against the schema of its type. An extension (`narthex:…`) needs its type and number.
    ///
    /// # Errors
    /// Where it is not as the schema wants it, or the standard knows no such type.
    pub fn check_event(&self, event: &Value) -> Result<(), String> {
        let kind = event["type"].as_str().ok_or_else(|| format!("without a type: {event}"))?;
        match self.events.get(kind) {
            Some(name) => self.check(name, event),
            None if kind.starts_with("narthex:") && event["sequence_number"].is_u64() => Ok(()),
            None => Err(format!("an event of a type that the standard does not know: {event}")),
        }
    }

    /// Checks what a WebSocket says: a streaming event, or an error of the connection.
    ///
    /// # Errors
    /// As [`check_event`](Self::check_event).
    pub fn check_message(&self, message: &Value) -> Result<(), String> {
        if message["type"] == "error" && message.get("sequence_number").is_none() {
            return self.check("WebSocketErrorEvent", message);
        }
        self.check_event(message)
    }

    /// Checks the body of an error over HTTP.
    ///
    /// # Errors
    /// Where it is not as the schema wants it.
    pub fn check_error(&self, body: &Value) -> Result<(), String> {
        self.check("ErrorPayload", &body["error"])
    }

    /// References in the document are to other places in it, so it comes along whole.
    fn compile(&self, name: &str) -> Result<Validator, String> {
        if self.document["components"]["schemas"].get(name).is_none() {
            return Err(format!("the standard has no schema '{name}'"));
        }
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/components/schemas/{name}"),
            "components": self.document["components"],
        });
        jsonschema::validator_for(&schema).map_err(|e| format!("the schema '{name}' cannot be used: {e}"))
    }
}

#[cfg(test)]
mod tests;
