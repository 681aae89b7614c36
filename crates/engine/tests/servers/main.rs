//! The engines against a scripted model server, over real sockets.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod chat;
mod failures;
mod leaving;
mod responses;

use std::{sync::Arc, time::Duration};

use engine::{Call, ChatConfig, ChatEngine, Engine, Error, Output, Outputs};
use futures_util::StreamExt;
use protocol::{Item, Request, Role};
use testkit::model_server::ModelServer;

/// Long enough for a busy machine; nothing waits for it unless it fails.
const SOON: Duration = Duration::from_secs(10);

fn request(prompt: &str) -> Request {
    Request { input: vec![Item::message(Role::User, prompt)], ..Request::new("m") }
}

fn call(request: Request) -> Call {
    Call { request: Arc::new(request), prefix: None, trace: None }
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
