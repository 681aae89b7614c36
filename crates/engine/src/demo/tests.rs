mod phrases;
mod said;
mod schema;
mod telling;
mod tools;

use std::sync::Arc;

use futures_util::StreamExt;
use protocol::{Item, Request};
use serde_json::Value;

use super::{DemoConfig, DemoEngine};
use crate::{Call, Engine, Error, Output, tests::request};

fn asking(question: &str) -> Request {
    Request { input: vec![Item::message(protocol::Role::User, question)], ..request() }
}

fn items(items: Value) -> Vec<Item> {
    serde_json::from_value(items).unwrap()
}

fn call(request: Request, prefix: &str) -> Call {
    Call { request: Arc::new(request), prefix: Some(prefix.to_owned()), trace: None }
}

/// All outputs, and the error at their end.
async fn read(request: Request, prefix: &str) -> (Vec<Output>, Option<Error>) {
    let mut outputs = match DemoEngine::new(DemoConfig::unpaced()).generate(call(request, prefix)).await {
        Ok(outputs) => outputs,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut read = Vec::new();
    while let Some(output) = outputs.next().await {
        match output {
            Ok(output) => read.push(output),
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

async fn said(request: Request) -> String {
    text_of(&read(request, "").await.0)
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
