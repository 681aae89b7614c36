//! The smaller parameters of a request.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{MAX_NAME, MAX_TEXT, Node, Result};
use crate::{Reasoning, TextFormat, TextOptions, request::STANDARD_EFFORTS};

const MAX_METADATA: usize = 16;
const MAX_METADATA_VALUE: usize = 512;

/// `flex` and the like are the standard's; the last three are what official SDKs also offer.
pub(crate) const SERVICE_TIERS: [&str; 7] =
    ["auto", "default", "flex", "priority", "scale", "fast", "ultrafast"];

/// What can be told beyond the usual. Others that OpenAI knows are about tools that are not run here.
pub(crate) const INCLUDABLE: [&str; 2] = ["reasoning.encrypted_content", LOGPROBS];

/// Asks for log probabilities.
pub(crate) const LOGPROBS: &str = "message.output_text.logprobs";

/// The client's own notes.
pub(crate) fn metadata(metadata: &Node<'_, '_>) -> Result<BTreeMap<String, String>> {
    let count = metadata.object()?.len();
    if count > MAX_METADATA {
        let message = format!(
            "Invalid 'metadata': too many properties. Expected an object with at most {MAX_METADATA} properties, but got \
             an object with {count} properties instead."
        );
        return Err(metadata.error("object_above_max_properties", message));
    }
    let mut notes = BTreeMap::new();
    for (name, value) in metadata.members()? {
        if name.chars().count() > MAX_NAME {
            let message = format!(
                "Invalid 'metadata': property name too long. Expected names with maximum length {MAX_NAME}, but got one \
                 with length {} instead.",
                name.chars().count()
            );
            return Err(metadata.error("string_above_max_length", message));
        }
        notes.insert(name.to_owned(), value.string(MAX_METADATA_VALUE)?.to_owned());
    }
    Ok(notes)
}

/// How much to think, and whether to tell.
pub(crate) fn reasoning(reasoning: &Node<'_, '_>) -> Result<Reasoning> {
    let summary =
        |summary: &Node<'_, '_>| summary.one_of(&["concise", "detailed", "auto"]).map(str::to_owned);
    Ok(Reasoning {
        effort: reasoning.optional("effort", effort)?,
        summary: reasoning.optional("summary", summary)?,
        extra: extra(reasoning, &["effort", "summary"])?,
    })
}

/// Two more than the standard names: model servers know them.
pub(crate) fn effort(effort: &Node<'_, '_>) -> Result<String> {
    let [none, low, medium, high, xhigh] = STANDARD_EFFORTS;
    effort.one_of(&[none, "minimal", low, medium, high, xhigh, "max"]).map(str::to_owned)
}

/// The form of the text.
pub(crate) fn text(text: &Node<'_, '_>) -> Result<TextOptions> {
    Ok(TextOptions {
        format: text.optional("format", format)?.unwrap_or_default(),
        verbosity: text.optional("verbosity", verbosity)?,
        extra: extra(text, &["format", "verbosity"])?,
    })
}

pub(crate) fn verbosity(verbosity: &Node<'_, '_>) -> Result<String> {
    verbosity.one_of(&["low", "medium", "high"]).map(str::to_owned)
}

fn format(format: &Node<'_, '_>) -> Result<TextFormat> {
    match format.require("type")?.one_of(&["text", "json_object", "json_schema"])? {
        "text" => format.only(&["type"]).map(|()| TextFormat::Text),
        "json_object" => format.only(&["type"]).map(|()| TextFormat::JsonObject),
        _ => {
            format.only(&["type", "name", "description", "schema", "strict"])?;
            json_schema(format)
        }
    }
}

/// A JSON Schema with its name: in `text.format` here, in `response_format.json_schema` of Chat Completions.
pub(crate) fn json_schema(format: &Node<'_, '_>) -> Result<TextFormat> {
    let schema = format.require("schema")?;
    schema.object()?;
    Ok(TextFormat::JsonSchema {
        name: format.require("name")?.name()?.to_owned(),
        description: format.optional("description", |text| text.text().map(str::to_owned))?,
        schema: schema.value.clone(),
        strict: format.optional("strict", |strict| strict.boolean())?.unwrap_or_default(),
    })
}

/// What to tell beyond the usual, each once.
pub(crate) fn include(include: &Node<'_, '_>) -> Result<Vec<String>> {
    let mut list = Vec::new();
    for name in include.elements()? {
        let name = name.one_of(&INCLUDABLE)?.to_owned();
        if !list.contains(&name) {
            list.push(name);
        }
    }
    Ok(list)
}

/// The members that are not `known`, as sent.
pub(crate) fn extra(object: &Node<'_, '_>, known: &[&str]) -> Result<Map<String, Value>> {
    let others = object.object()?.iter().filter(|(name, _)| !known.contains(&name.as_str()));
    Ok(others.map(|(name, value)| (name.clone(), value.clone())).collect())
}

pub(crate) fn owned(text: &Node<'_, '_>) -> Result<String> {
    text.string(MAX_TEXT).map(str::to_owned)
}
