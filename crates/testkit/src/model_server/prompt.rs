//! What a request asks for, whichever of the two protocols it is in.

use serde_json::Value;

use super::script::{Prefill, Script};

/// What matters of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prompt {
    /// The model's name.
    pub(super) model: String,
    /// The text of the last message of the user.
    pub(super) text: String,
    /// The text that is to be carried on.
    pub(super) prefix: String,
    /// Whether functions have been called since the user spoke.
    pub(super) has_tool_output: bool,
    /// At most so many tokens.
    pub(super) max_tokens: Option<u64>,
    /// Whether the answer is streamed.
    pub(super) stream: bool,
    /// Whether a stream tells usage.
    pub(super) include_usage: bool,
    /// Whether each of its chunks does.
    pub(super) continuous_usage: bool,
    /// How many likely tokens to tell at each place, if any.
    pub(super) logprobs: Option<u64>,
    continues_by_flag: bool,
}

impl Prompt {
    /// What the body of a request asks for, in either protocol.
    pub(super) fn read(body: &Value) -> Self {
        let turns = body.get("messages").or_else(|| body.get("input"));
        let single = [serde_json::json!({ "role": "user", "content": turns })];
        let turns: &[Value] = match turns {
            Some(Value::Array(turns)) => turns,
            _ => &single,
        };
        let last_user = turns.iter().rposition(|turn| turn["role"] == "user");
        let since_user = &turns[last_user.map_or(0, |at| at + 1)..];
        let logprobs = body["logprobs"] == true;
        Self {
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            text: last_user.map(|at| text_of(&turns[at]["content"])).unwrap_or_default(),
            prefix: turns
                .last()
                .filter(|turn| turn["role"] == "assistant")
                .map(prefix_of)
                .unwrap_or_default(),
            has_tool_output: since_user
                .iter()
                .any(|turn| turn["role"] == "tool" || turn["type"] == "function_call_output"),
            max_tokens: ["max_completion_tokens", "max_tokens", "max_output_tokens"]
                .iter()
                .find_map(|name| body[*name].as_u64()),
            stream: body["stream"] == true,
            include_usage: body["stream_options"]["include_usage"] == true,
            continuous_usage: body["stream_options"]["continuous_usage_stats"] == true,
            logprobs: logprobs.then(|| body["top_logprobs"].as_u64().unwrap_or(0)),
            continues_by_flag: body["continue_final_message"] == true
                && body["add_generation_prompt"] == false,
        }
    }

    /// Changes `script` as the prompt wants it, and drops a prefix that the script does not carry on.
    ///
    /// # Errors
    /// A sentence about what stands between the brackets, if it cannot be read.
    pub(super) fn direct(&mut self, script: &mut Script) -> Result<(), String> {
        if let Some((_, rest)) = self.text.split_once("[[") {
            let (words, _) = rest.split_once("]]").ok_or("[[ without ]]")?;
            script.apply(words)?;
        }
        let continues = match script.prefill {
            Prefill::Always => true,
            Prefill::Flag => self.continues_by_flag,
            Prefill::Never => false,
        };
        if !continues {
            self.prefix.clear();
        }
        Ok(())
    }

    /// The prompt's text without what stands in brackets.
    pub(super) fn plain_text(&self) -> String {
        match (self.text.split_once("[["), self.text.split_once("]]")) {
            (Some((before, _)), Some((_, after))) => format!("{before}{after}").trim().to_owned(),
            _ => self.text.clone(),
        }
    }
}

/// An assistant message that calls functions is not a text to be carried on.
fn prefix_of(turn: &Value) -> String {
    if turn.get("tool_calls").is_some() { String::new() } else { text_of(&turn["content"]) }
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}
