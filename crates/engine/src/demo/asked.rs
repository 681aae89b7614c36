//! What a request asks, as far as the built-in model understands it.

use protocol::{Content, Request, Role, View, compaction};

use super::tokens;

/// A request, read.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    /// The last message of the user.
    pub(super) text: String,
    /// What was said to the model before that, oldest first.
    pub(super) earlier: Vec<String>,
    /// What the tools returned since: the function and its output.
    pub(super) outputs: Vec<(String, String)>,
    /// Images in the last message of the user.
    pub(super) images: usize,
}

impl<'a> Asked<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        let mut asked =
            Self { request, text: String::new(), earlier: Vec::new(), outputs: Vec::new(), images: 0 };
        for item in &request.input {
            match item.view() {
                Some(View::Message { role: Role::User, content }) => asked.hear(content),
                Some(View::Compaction { encrypted_content }) => {
                    asked.earlier.extend(compaction::decode(encrypted_content));
                }
                Some(View::FunctionCallOutput { call_id, output }) => {
                    asked.outputs.push((function_of(request, call_id), output.text()));
                }
                _ => {}
            }
        }
        asked
    }

    fn hear(&mut self, content: Content<'_>) {
        let before = std::mem::replace(&mut self.text, content.text());
        if !before.is_empty() {
            self.earlier.push(before);
        }
        self.outputs.clear();
        self.images = match content {
            Content::Text(_) => 0,
            Content::Parts(parts) => parts.iter().filter(|part| part["type"] == "input_image").count(),
        };
    }

    /// What was asked, without the words that are not for the answer.
    pub(super) fn plain_text(&self) -> String {
        let words = self.text.split_inclusive(char::is_whitespace);
        words.filter(|word| !word.starts_with("demo:")).collect::<String>().trim().to_owned()
    }

    /// All that was asked and said, as one number; the same for the same conversation.
    pub(super) fn fingerprint(&self, seed: u64) -> u64 {
        let earlier =
            self.earlier.iter().chain([&self.text]).fold(seed, |number, text| mix(number ^ hash(text)));
        mix(earlier ^ self.request.input.len() as u64)
    }

    /// How many tokens the request has.
    pub(super) fn input_tokens(request: &Request) -> u64 {
        let count = |text: &str| tokens::split(text).count() as u64;
        let instructions = request.instructions.as_deref().map_or(0, count);
        let items: u64 = request
            .input
            .iter()
            .map(|item| match item.view() {
                Some(View::Message { content, .. } | View::FunctionCallOutput { output: content, .. }) => {
                    count(&content.text())
                }
                Some(View::FunctionCall { name, arguments, .. }) => count(name) + count(arguments),
                Some(View::Compaction { encrypted_content }) => {
                    compaction::decode(encrypted_content).map_or(0, |summary| count(&summary))
                }
                Some(View::Reasoning { content, .. }) => count(&content.text()),
                Some(View::Reference { .. }) | None => 0,
            })
            .sum();
        instructions + items
    }
}

/// The function that the call `call_id` called.
fn function_of(request: &Request, call_id: &str) -> String {
    let named = request.input.iter().rev().find_map(|item| match item.view() {
        Some(View::FunctionCall { call_id: id, name, .. }) if id == call_id => Some(name),
        _ => None,
    });
    named.unwrap_or("the tool").to_owned()
}

/// FNV-1a: a text as a number.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// SplitMix64: neighbouring numbers become unlike each other.
pub(super) const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
