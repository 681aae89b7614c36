//! Values in, values out.

mod merge;
mod render;
mod resource;

use std::collections::BTreeMap;

use serde_json::Map;
use stream::{Delta, DeltaKind, Event, ResponseId};

use crate::{ChoiceMode, Item, Request, Role, TextOptions, ToolChoice};

pub(crate) const ID: ResponseId = ResponseId::from_parts(7, 0x0123_4567_89ab_cdef);

/// The smallest request that can be.
pub(crate) fn request() -> Request {
    Request {
        model: "demo".to_owned(),
        input: vec![Item::message(Role::User, "Hello")],
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

pub(crate) fn text(text: &str) -> Event {
    delta(DeltaKind::OutputText, 0, 0, text)
}

pub(crate) fn delta(kind: DeltaKind, output_index: u32, part_index: u32, text: &str) -> Event {
    Event::Delta(Delta { kind, output_index, part_index, text: text.into(), logprobs: None })
}
