//! The engines against a scripted model server, over real sockets.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod chat;
mod failures;
mod leaving;
mod responses;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use engine::{Call, ChatConfig, ChatEngine, Engine, Error, Output, Outputs};
use futures_util::StreamExt;
use protocol::{ChoiceMode, Item, Request, Role, TextOptions, ToolChoice};
use serde_json::Map;
use testkit::model_server::ModelServer;

/// Long enough for a busy machine; nothing waits for it unless it fails.
const SOON: Duration = Duration::from_secs(10);

fn request(prompt: &str) -> Request {
    Request {
        model: "m".to_owned(),
        input: vec![Item::message(Role::User, prompt)],
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

fn call(request: Request) -> Call {
    Call { request: Arc::new(request), prefix: None, traceparent: String::new() }
}

fn chat(server: &ModelServer) -> ChatEngine {
    ChatEngine::new(ChatConfig::new(server.url())).unwrap()
}

/// All outputs, and the error at their end.
async fn read(mut outputs: Outputs) -> (Vec<Output>, Option<Error>) {
    let mut read = Vec::new();
    while let Some(output) = outputs.next().await {
        match output {
            Ok(output) => read.push(output),
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

/// All outputs of an engine for a prompt.
async fn ask(engine: &dyn Engine, prompt: &str) -> (Vec<Output>, Option<Error>) {
    read(engine.generate(call(request(prompt))).await.unwrap()).await
}

fn text_of(outputs: &[Output]) -> String {
    outputs
        .iter()
        .filter_map(|output| match output {
            Output::Text { text, .. } => Some(&**text),
            _ => None,
        })
        .collect()
}
