//! Log probabilities in the standard's form, which wants every member; servers leave some out.

use serde::Deserialize;
use serde_json::{Value, json};

/// The log probability of a token, as servers tell it.
#[derive(Debug, Deserialize)]
pub(crate) struct LogProb {
    token: String,
    logprob: f64,
    #[serde(default)]
    bytes: Option<Vec<u8>>,
    #[serde(default)]
    top_logprobs: Option<Vec<LogProb>>,
}

/// The standard's array, or `None` if there is nothing in it.
pub(crate) fn standard(tokens: &[LogProb]) -> Option<Value> {
    (!tokens.is_empty()).then(|| tokens.iter().map(with_others).collect())
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
