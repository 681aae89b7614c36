//! What a response cost.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Tokens, as the model server counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Of these, from the server's cache.
    pub cached_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
    /// Of these, reasoning.
    pub reasoning_tokens: u64,
}

impl Usage {
    /// Tokens read and written.
    pub const fn total_tokens(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// The standard's form. OpenAI's SDKs also have `cache_write_tokens` as a required member; model servers that run a cache
    /// of their own do not count what they write to it.
    pub fn to_json(self) -> Value {
        json!({
            "input_tokens": self.input_tokens,
            "input_tokens_details": { "cached_tokens": self.cached_tokens, "cache_write_tokens": 0 },
            "output_tokens": self.output_tokens,
            "output_tokens_details": { "reasoning_tokens": self.reasoning_tokens },
            "total_tokens": self.total_tokens(),
        })
    }

    /// The usage in a response resource, if it has one.
    pub fn from_json(usage: &Value) -> Option<Self> {
        let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
        Some(Self {
            input_tokens: count("/input_tokens")?,
            cached_tokens: count("/input_tokens_details/cached_tokens").unwrap_or_default(),
            output_tokens: count("/output_tokens")?,
            reasoning_tokens: count("/output_tokens_details/reasoning_tokens").unwrap_or_default(),
        })
    }
}
