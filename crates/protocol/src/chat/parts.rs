//! The content of a message, from its Chat Completions form to that of Open Responses.

use serde_json::{Map, Value};

use crate::parse::{
    content::check_url,
    node::{MAX_TEXT, Node, Result},
};

/// The longest address or data, in characters.
const MAX_DATA: usize = 33_554_432;

/// What a user may send.
pub(super) const USER: [&str; 5] = ["text", "image_url", "input_audio", "file", "video_url"];
/// What the application may say in its own name.
pub(super) const SYSTEM: [&str; 1] = ["text"];
/// What the model said.
pub(super) const ASSISTANT: [&str; 2] = ["text", "refusal"];
/// What a function may return: the API has text alone, model servers take more.
pub(super) const TOOL: [&str; 4] = ["text", "image_url", "file", "video_url"];

/// Text as it is, or parts of the `kinds` that may stand here, in the other form.
pub(super) fn content(content: &Node<'_, '_>, kinds: &[&'static str]) -> Result<Value> {
    match content.value {
        Value::String(_) => Ok(content.text()?.into()),
        Value::Array(_) => {
            let is_assistant = kinds == ASSISTANT;
            content.elements()?.map(|one| part(&one, kinds, is_assistant)).collect()
        }
        _ => Err(content.wrong_type("a string or an array")),
    }
}

fn part(part: &Node<'_, '_>, kinds: &[&'static str], is_assistant: bool) -> Result<Value> {
    let kind = part.require("type")?.one_of(kinds)?;
    let mut to = Map::new();
    match kind {
        "text" => {
            let kind = if is_assistant { "output_text" } else { "input_text" };
            set(&mut to, [("type", kind), ("text", part.require("text")?.text()?)]);
        }
        "refusal" => set(&mut to, [("type", "refusal"), ("refusal", part.require("refusal")?.text()?)]),
        "image_url" => image(&part.require("image_url")?, &mut to)?,
        "video_url" => {
            let video = part.require("video_url")?;
            set(&mut to, [("type", "input_video"), ("video_url", video.require("url")?.filled(MAX_DATA)?)]);
            spread(&video, &["url"], &mut to)?;
        }
        "file" => file(&part.require("file")?, &mut to)?,
        _ => audio(&part.require("input_audio")?, &mut to)?,
    }
    spread(part, &["type", kind], &mut to)?;
    Ok(Value::Object(to))
}

fn image(image: &Node<'_, '_>, to: &mut Map<String, Value>) -> Result<()> {
    let url = image.require("url")?;
    check_url(&url, MAX_DATA)?;
    image.optional("detail", |detail| detail.one_of(&["low", "high", "auto", "original"]))?;
    set(to, [("type", "input_image"), ("image_url", url.string(MAX_DATA)?)]);
    spread(image, &["url"], to)
}

fn file(file: &Node<'_, '_>, to: &mut Map<String, Value>) -> Result<()> {
    file.optional("file_id", |id| id.filled(MAX_TEXT))?;
    file.optional("file_url", |url| check_url(url, MAX_DATA))?;
    file.optional("filename", |name| name.text())?;
    if file.get("file_id").is_none() {
        file.require("file_data")?.string(MAX_DATA)?;
    }
    set(to, [("type", "input_file")]);
    spread(file, &[], to)
}

fn audio(audio: &Node<'_, '_>, to: &mut Map<String, Value>) -> Result<()> {
    audio.require("data")?.string(MAX_DATA)?;
    audio.require("format")?.text()?;
    set(to, [("type", "input_audio")]);
    to.insert("input_audio".to_owned(), audio.value.clone());
    Ok(())
}

fn set<const N: usize>(to: &mut Map<String, Value>, members: [(&str, &str); N]) {
    to.extend(members.map(|(name, text)| (name.to_owned(), text.into())));
}

/// Adds every member of `object` that is not `done`, as it was sent. What is there already stays.
fn spread(object: &Node<'_, '_>, done: &[&str], to: &mut Map<String, Value>) -> Result<()> {
    for (name, member) in object.members()? {
        if !done.contains(&name) && !member.value.is_null() && !to.contains_key(name) {
            to.insert(name.to_owned(), member.value.clone());
        }
    }
    Ok(())
}
