//! What the tests of all engines begin with.

use std::collections::BTreeMap;

use protocol::{ChoiceMode, Item, Request, Role, TextOptions, ToolChoice};
use serde_json::Map;

/// A request of one user message, with nothing set.
pub(crate) fn request() -> Request {
    Request {
        model: "m".to_owned(),
        input: vec![Item::message(Role::User, "hello")],
        instructions: None,
        previous_response_id: None,
        tools: Vec::new(),
        tool_choice: ToolChoice::Mode(ChoiceMode::Auto),
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
