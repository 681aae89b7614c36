//! What shall be produced: the standard's create body, validated and complete.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{FunctionTool, Item, ToolChoice};

/// The order for one response, as a worker gets it: every default filled in, every member checked.
///
/// How the client wants to hear the answer (streamed, in which lane, …) is not part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The model's name.
    pub model: String,
    /// The conversation. As parsed: what the client sent with this request. In a job: all of it, previous responses
    /// included.
    pub input: Vec<Item>,
    /// Instructions that stand before the conversation; not carried over from a previous response.
    pub instructions: Option<String>,
    /// The response that this one continues.
    pub previous_response_id: Option<String>,
    /// The functions that the model may call.
    pub tools: Vec<FunctionTool>,
    /// Which of them, and whether it must.
    pub tool_choice: ToolChoice,
    /// Whether it may call several at once.
    pub parallel_tool_calls: bool,
    /// At most so many calls.
    pub max_tool_calls: Option<u64>,
    /// At most so many tokens, reasoning included.
    pub max_output_tokens: Option<u64>,
    /// The form of the text.
    pub text: TextOptions,
    /// How much to think, and whether to tell.
    pub reasoning: Option<Reasoning>,
    /// Sampling temperature; `None` leaves it to the model server.
    pub temperature: Option<f64>,
    /// Nucleus sampling; `None` leaves it to the model server.
    pub top_p: Option<f64>,
    /// Penalty for tokens that occurred.
    pub presence_penalty: Option<f64>,
    /// Penalty for tokens by how often they occurred.
    pub frequency_penalty: Option<f64>,
    /// How many likely tokens to tell at each place.
    pub top_logprobs: Option<u64>,
    /// What to tell beyond the usual: `message.output_text.logprobs`, `reasoning.encrypted_content`.
    pub include: Vec<String>,
    /// `auto` or `disabled`.
    pub truncation: Option<String>,
    /// `auto`, `default`, `flex` or `priority`; some model servers know more.
    pub service_tier: Option<String>,
    /// The client's own notes, returned with the response.
    pub metadata: BTreeMap<String, String>,
    /// Whether the response can be read and continued later.
    pub store: bool,
    /// Whether it runs on without anyone listening.
    pub background: bool,
    /// The client's stable name of its user.
    pub safety_identifier: Option<String>,
    /// The client's key for the model server's prompt cache.
    pub prompt_cache_key: Option<String>,
    /// Parameters that the standard does not name, as sent: they go to the model server, which knows them or refuses.
    pub extra: Map<String, Value>,
}

impl Request {
    /// A request for `model` in which everything else has its default, and nothing was said yet.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            input: Vec::new(),
            instructions: None,
            previous_response_id: None,
            tools: Vec::new(),
            tool_choice: ToolChoice::default(),
            parallel_tool_calls: true,
            max_tool_calls: None,
            max_output_tokens: None,
            text: TextOptions::default(),
            reasoning: None,
            temperature: None,
            top_p: None,
            presence_penalty: None,
            frequency_penalty: None,
            top_logprobs: None,
            include: Vec::new(),
            truncation: None,
            service_tier: None,
            metadata: BTreeMap::new(),
            store: true,
            background: false,
            safety_identifier: None,
            prompt_cache_key: None,
            extra: Map::new(),
        }
    }
}

/// The form of the text that the model writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextOptions {
    /// Free text, or JSON.
    pub format: TextFormat,
    /// `low`, `medium` or `high`.
    pub verbosity: Option<String>,
    /// Members that the standard does not name, as sent.
    #[serde(default, flatten)]
    pub extra: Map<String, Value>,
}

/// Free text, or JSON.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextFormat {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The JSON Schema.
        schema: Value,
        /// Whether it must be followed exactly.
        strict: bool,
    },
}

/// How much the model shall think, and whether it shall tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reasoning {
    /// `none`, `low`, `medium`, `high` or `xhigh`; some model servers also know `minimal` and `max`.
    pub effort: Option<String>,
    /// `concise`, `detailed` or `auto`.
    pub summary: Option<String>,
    /// Members that the standard does not name, as sent.
    #[serde(default, flatten)]
    pub extra: Map<String, Value>,
}

/// The efforts that the standard names.
pub(crate) const STANDARD_EFFORTS: [&str; 5] = ["none", "low", "medium", "high", "xhigh"];
