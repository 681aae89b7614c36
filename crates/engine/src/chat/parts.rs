//! The parts of a message's content: text, images, files, audio and video.

use protocol::Content;
use serde_json::{Map, Value, json};

use super::request::refused;
use crate::Error;

/// The content of a message of the user, of the application or of a tool.
pub(super) fn content(content: Content<'_>) -> Result<Value, Error> {
    match content {
        Content::Text(text) => Ok(text.into()),
        Content::Parts([]) => Ok("".into()),
        Content::Parts([part]) if is_text(part) => Ok(part["text"].clone()),
        Content::Parts(parts) => parts.iter().map(part).collect(),
    }
}

/// What an assistant said: its texts and refusals, one after the other.
pub(super) fn assistant_text(content: Content<'_>) -> Result<String, Error> {
    let parts = match content {
        Content::Text(text) => return Ok(text.to_owned()),
        Content::Parts(parts) => parts,
    };
    let text_of = |part: &Value| match part["type"].as_str() {
        Some("refusal") => part["refusal"].as_str().map(str::to_owned),
        _ if is_text(part) => part["text"].as_str().map(str::to_owned),
        _ => None,
    };
    parts.iter().map(|part| text_of(part).ok_or_else(|| unsupported(part))).collect()
}

fn is_text(part: &Value) -> bool {
    let kinds = ["input_text", "output_text", "text", "summary_text", "reasoning_text"];
    part["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) && part["text"].is_string()
}

fn part(part: &Value) -> Result<Value, Error> {
    match part["type"].as_str().unwrap_or_default() {
        _ if is_text(part) => Ok(json!({ "type": "text", "text": part["text"] })),
        "refusal" => Ok(json!({ "type": "text", "text": part["refusal"] })),
        "input_image" => image(part),
        "input_file" => file(part),
        // The same object in both protocols.
        "input_audio" if part["input_audio"].is_object() => {
            Ok(json!({ "type": "input_audio", "input_audio": part["input_audio"] }))
        }
        // Not of OpenAI's protocol, but of all servers that take video.
        "input_video" if part["video_url"].is_string() => {
            Ok(json!({ "type": "video_url", "video_url": { "url": part["video_url"] } }))
        }
        _ => Err(unsupported(part)),
    }
}

fn image(part: &Value) -> Result<Value, Error> {
    let Some(url) = part["image_url"].as_str() else {
        return Err(refused("input", "This model's server takes images by 'image_url' only."));
    };
    let mut image = json!({ "url": url });
    if let Some(detail) = part["detail"].as_str() {
        image["detail"] = detail.into();
    }
    Ok(json!({ "type": "image_url", "image_url": image }))
}

fn file(part: &Value) -> Result<Value, Error> {
    let file: Map<String, Value> = ["filename", "file_data", "file_id"]
        .iter()
        .filter_map(|name| {
            Some(((*name).to_owned(), part.get(*name).filter(|value| value.is_string())?.clone()))
        })
        .collect();
    if part["file_url"].is_string() || !(file.contains_key("file_data") || file.contains_key("file_id")) {
        return Err(refused("input", "This model's server takes files by 'file_data' only."));
    }
    Ok(json!({ "type": "file", "file": file }))
}

fn unsupported(part: &Value) -> Error {
    let kind = part["type"].as_str().unwrap_or("unknown");
    refused("input", format!("This model's server cannot be given content of type '{kind}' in this place."))
}
