//! Log probabilities: from Chat Completions' form to the standard's, which wants every member.

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct LogProbs {
    #[serde(default)]
    content: Option<Vec<LogProb>>,
}

#[derive(Deserialize)]
struct LogProb {
    token: String,
    logprob: f64,
    #[serde(default)]
    bytes: Option<Vec<u8>>,
    #[serde(default)]
    top_logprobs: Option<Vec<LogProb>>,
}

/// The standard's array, or `None` if there is nothing in it.
pub(super) fn standard(logprobs: &str) -> Result<Option<Value>, serde_json::Error> {
    let logprobs: LogProbs = serde_json::from_str(logprobs)?;
    let Some(tokens) = logprobs.content.filter(|tokens| !tokens.is_empty()) else { return Ok(None) };
    Ok(Some(tokens.iter().map(with_others).collect()))
}

fn with_others(token: &LogProb) -> Value {
    let others: Vec<Value> = token.top_logprobs.iter().flatten().map(alone).collect();
    let mut value = alone(token);
    value["top_logprobs"] = others.into();
    value
}

/// A token whose bytes the server does not tell has those of its text.
fn alone(token: &LogProb) -> Value {
    let bytes = token.bytes.as_deref().unwrap_or(token.token.as_bytes());
    json!({ "token": token.token, "logprob": token.logprob, "bytes": bytes })
}
