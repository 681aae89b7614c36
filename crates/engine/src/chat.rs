//! The engine for every server with `/v1/chat/completions`: vLLM, SGLang, Ollama, llama.cpp, OpenAI and those who copy it.
//!
//! # What becomes of a request
//!
//! Nothing that a client sends is dropped without a word. What Chat Completions cannot express is refused, naming the
//! parameter; what is only a wish, or is done elsewhere, is left out by this table.
//!
//! | Open Responses | Chat Completions |
//! | --- | --- |
//! | `instructions`, `input` | `messages`; see [`messages`] |
//! | `tools`, `tool_choice` | `tools`, `tool_choice`; of `allowed_tools` only those are sent that are allowed |
//! | `parallel_tool_calls` | sent when `false`: `true` is everyone's default, and some models refuse the parameter |
//! | `max_tool_calls` | left out: the worker counts the calls |
//! | `max_output_tokens` | `max_tokens` or `max_completion_tokens` ([`MaxTokensField`]) |
//! | `text.format`, `text.verbosity` | `response_format`, `verbosity` |
//! | `reasoning.effort` | `reasoning_effort` |
//! | `reasoning` with members that the standard does not name | `reasoning`, which some servers know, with the effort |
//! | `text` with members that the standard does not name | refused |
//! | `reasoning.summary` | left out: a wish; reasoning that the server tells is told |
//! | `temperature`, `top_p`, `presence_penalty`, `frequency_penalty`, `service_tier`, `safety_identifier`, `prompt_cache_key` | the same |
//! | `metadata` | the same, if [`ChatConfig::send_metadata`]: the gateway returns it with the response in any case |
//! | `top_logprobs`, `include: message.output_text.logprobs` | `logprobs`, `top_logprobs` |
//! | `include: reasoning.encrypted_content` | left out: there is nothing that these servers encrypt |
//! | `truncation: auto` | refused; `disabled` is what these servers do |
//! | `store`, `background`, `previous_response_id` | left out: done by the gateway |
//! | members that the standard does not name | the same, unless it is a member that the engine itself sends |
//!
//! What the model says comes back through `stream`, its calls through `calls`.

mod calls;
mod chunk;
mod messages;
mod parts;
mod request;
mod stream;

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::StreamExt;

use crate::{
    Call, Engine, Error, Fault, Outputs,
    upstream::{ConfigError, Upstream, UpstreamConfig},
};

/// How to speak with a server of Chat Completions.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// Where the server is.
    pub upstream: UpstreamConfig,
    /// The member that bounds the output.
    pub max_tokens_field: MaxTokensField,
    /// How the server is asked to carry on a text.
    pub prefill: PrefillStyle,
    /// The member of assistant messages in which the model's earlier reasoning is sent back, as in `reasoning_content`
    /// (DeepSeek, SGLang) or `reasoning` (vLLM, Ollama). Without it earlier reasoning is left out: most models are trained
    /// without it, and most servers refuse or ignore it.
    pub reasoning_member: Option<String>,
    /// Whether the server is asked to tell usage in every chunk (vLLM, SGLang), so that a response that was cancelled, or
    /// taken over by another worker, has its usage too. A server that refuses to is not asked again.
    pub continuous_usage: bool,
    /// Whether `metadata` goes to the server. OpenAI accepts it only together with `store`.
    pub send_metadata: bool,
}

/// The member that bounds the output of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaxTokensField {
    /// `max_tokens`, which all servers know; OpenAI's reasoning models refuse it.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, OpenAI's newer name.
    MaxCompletionTokens,
}

/// How a server is asked to carry on a text. In each of them the text is an assistant message at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrefillStyle {
    /// The message is enough: Ollama, llama.cpp, and many proxies.
    #[default]
    Trailing,
    /// `continue_final_message: true` and `add_generation_prompt: false`: vLLM and SGLang.
    ContinueFinalMessage,
    /// `prefix: true` in the message: DeepSeek and Mistral.
    PrefixMember,
}

impl ChatConfig {
    /// A server at `base_url`, with no key and the defaults.
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            upstream: UpstreamConfig::new(base_url),
            max_tokens_field: MaxTokensField::default(),
            prefill: PrefillStyle::default(),
            reasoning_member: None,
            continuous_usage: true,
            send_metadata: true,
        }
    }

    /// The same with another bound on the time to connect.
    #[must_use]
    pub const fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.upstream.connect_timeout = timeout;
        self
    }
}

/// A server of Chat Completions.
pub struct ChatEngine {
    upstream: Upstream,
    config: ChatConfig,
    continuous_usage: AtomicU8,
}

/// Whether the server tells usage in every chunk, or ignores that it is asked to: [`UNKNOWN`] until it has accepted or
/// refused a request.
const UNKNOWN: u8 = 0;
const ACCEPTED: u8 = 1;
const REFUSED: u8 = 2;

impl ChatEngine {
    /// An engine for the server that `config` names. Nothing is sent before the first call.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(config: ChatConfig) -> Result<Self, ConfigError> {
        let continuous_usage = if config.continuous_usage { UNKNOWN } else { REFUSED };
        Ok(Self {
            upstream: Upstream::new(&config.upstream)?,
            config,
            continuous_usage: continuous_usage.into(),
        })
    }

    async fn stream(&self, call: &Call, continuous_usage: bool) -> Result<Outputs, Error> {
        let body = request::body(&call.request, call.prefix.as_deref(), continuous_usage, &self.config)?;
        let translate = stream::ChatStream::default();
        let events = self.upstream.stream("/chat/completions", &body, call.trace.as_ref(), translate).await?;
        Ok(events.boxed())
    }
}

#[async_trait]
impl Engine for ChatEngine {
    async fn generate(&self, call: Call) -> Result<Outputs, Error> {
        let accepted = self.continuous_usage.load(Ordering::Relaxed);
        match self.stream(&call, accepted != REFUSED).await {
            // Perhaps because of that: servers name what they refuse in many ways.
            Err(error) if error.fault == Fault::Refused && accepted == UNKNOWN => {
                let outputs = self.stream(&call, false).await?;
                self.continuous_usage.store(REFUSED, Ordering::Relaxed);
                Ok(outputs)
            }
            outputs => {
                if outputs.is_ok() && accepted == UNKNOWN {
                    self.continuous_usage.store(ACCEPTED, Ordering::Relaxed);
                }
                outputs
            }
        }
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        self.upstream.models().await
    }

    fn server(&self) -> &str {
        self.upstream.server()
    }
}

#[cfg(test)]
mod tests;
