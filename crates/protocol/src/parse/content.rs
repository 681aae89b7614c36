//! The parts that a message, a reasoning item or a function's output is made of.

use super::node::{MAX_TEXT, Node, Result};

const MAX_IMAGE_URL: usize = 20_971_520;
const MAX_FILE_DATA: usize = 33_554_432;

/// What a user may send. Audio and video are not in the standard's user messages; official SDKs and model servers know
/// them, so they pass.
pub(crate) const USER_PARTS: [&str; 5] =
    ["input_text", "input_image", "input_file", "input_audio", "input_video"];
/// What the application may say in its own name.
pub(crate) const SYSTEM_PARTS: [&str; 1] = ["input_text"];
/// What the model said.
pub(crate) const ASSISTANT_PARTS: [&str; 2] = ["output_text", "refusal"];
/// What a function may return.
pub(crate) const OUTPUT_PARTS: [&str; 4] = ["input_text", "input_image", "input_file", "input_video"];
/// What the model thought. The standard has it null in requests; clients send back what they were given.
pub(crate) const REASONING_PARTS: [&str; 3] = ["reasoning_text", "text", "output_text"];
/// The short form of what the model thought.
pub(crate) const SUMMARY_PARTS: [&str; 1] = ["summary_text"];

/// Text, or an array of parts of the `kinds` that may stand here.
pub(crate) fn check_content(content: &Node<'_, '_>, kinds: &[&'static str]) -> Result<()> {
    if content.value.is_string() {
        return content.text().map(drop);
    }
    if !content.value.is_array() {
        return Err(content.wrong_type("a string or an array"));
    }
    check_parts(content, kinds)
}

/// An array of parts of the `kinds` that may stand here.
pub(crate) fn check_parts(parts: &Node<'_, '_>, kinds: &[&'static str]) -> Result<()> {
    parts.elements()?.try_for_each(|part| check_part(&part, kinds))
}

fn check_part(part: &Node<'_, '_>, kinds: &[&'static str]) -> Result<()> {
    match part.require("type")?.one_of(kinds)? {
        "refusal" => part.require("refusal")?.text().map(drop),
        "input_image" => check_image(part),
        "input_file" => check_file(part),
        "input_audio" => check_audio(part),
        "input_video" => part.require("video_url")?.filled(MAX_TEXT).map(drop),
        "output_text" => check_output_text(part),
        _ => part.require("text")?.text().map(drop),
    }
}

fn check_image(part: &Node<'_, '_>) -> Result<()> {
    part.optional("file_id", |id| id.filled(MAX_TEXT))?;
    part.optional("detail", |detail| detail.one_of(&["low", "high", "auto", "original"]))?;
    match part.get("image_url") {
        Some(url) => check_url(&url, MAX_IMAGE_URL),
        None if part.get("file_id").is_some() => Ok(()),
        None => part.require("image_url").map(drop),
    }
}

/// An address, or the data itself.
pub(crate) fn check_url(url: &Node<'_, '_>, max: usize) -> Result<()> {
    let text = url.string(max)?;
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    if matches!(scheme.as_deref(), Some("http" | "https" | "data")) {
        return Ok(());
    }
    let message = format!(
        "Invalid '{}'. Expected a URL that begins with 'http:', 'https:' or 'data:', but got a value with another form.",
        url.path()
    );
    Err(url.error("invalid_value", message))
}

fn check_file(part: &Node<'_, '_>) -> Result<()> {
    part.optional("filename", |name| name.text())?;
    part.optional("detail", |detail| detail.one_of(&["low", "high", "auto"]))?;
    part.optional("file_id", |id| id.filled(MAX_TEXT))?;
    part.optional("file_url", |url| check_url(url, MAX_IMAGE_URL))?;
    part.optional("file_data", |data| data.string(MAX_FILE_DATA))?;
    if ["file_data", "file_url", "file_id"].iter().any(|name| part.get(name).is_some()) {
        return Ok(());
    }
    let path = part.path();
    let message = format!(
        "Missing required parameter: one of '{path}.file_data', '{path}.file_url' or '{path}.file_id'."
    );
    Err(part.error("missing_required_parameter", message))
}

fn check_audio(part: &Node<'_, '_>) -> Result<()> {
    let audio = part.require("input_audio")?;
    audio.require("data")?.string(MAX_FILE_DATA)?;
    audio.require("format")?.filled(MAX_TEXT).map(drop)
}

/// Text of the model that a client sends back. Annotations of kinds that the standard does not name come from model servers.
fn check_output_text(part: &Node<'_, '_>) -> Result<()> {
    part.optional("annotations", |annotations| {
        annotations.elements()?.try_for_each(|annotation| annotation.require("type")?.text().map(drop))
    })?;
    part.optional("logprobs", |logprobs| {
        logprobs.elements()?.try_for_each(|logprob| logprob.object().map(drop))
    })?;
    part.require("text")?.text().map(drop)
}
