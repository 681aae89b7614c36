//! The model that is built in: it needs no server, knows little, and always says the same to the same input and seed.
//!
//! It is what `narthex dev` starts with, what examples are pasted against, and what tests fail on purpose. It answers what
//! examples ask:
//!
//! | asked for | answered with |
//! | --- | --- |
//! | a greeting, `say …`, `echo …`, `count to 20`, `count down from 5` | just that |
//! | a poem, a haiku, a story | one of a few |
//! | `write 200 words`, `300 tokens` | exactly so much prose |
//! | `my name is …`, then `what is my name?` | the name: it reads the whole conversation |
//! | a summary | the beginnings of what was said |
//! | to refuse | a refusal |
//! | what one of the offered tools is named after, or `tool_choice` that demands a call | a call, its arguments made from the JSON schema and the question |
//! | nothing, after a tool's output | that output |
//! | JSON, by `text.format` | a small value that follows the schema |
//! | anything else | a few words on what Narthex is |
//!
//! It thinks aloud when `reasoning.effort` is set, tells `logprobs` when they are wanted, keeps to `max_output_tokens`, and
//! carries on a prefix exactly. These words in the last message of the user change what it does:
//!
//! | word | effect |
//! | --- | --- |
//! | `demo:tokens=1000` | exactly so many tokens of prose |
//! | `demo:slow=200ms`, `demo:first=2s` | the pause between tokens, and before the first |
//! | `demo:fail`, `demo:fail=busy` | the call fails: `failed`, `busy`, `refused`, `unauthorized`, `unreachable`, `garbled`, `timeout` |
//! | `demo:fail-after=20`, `demo:cut-after=20` | it fails, or breaks off, after so many tokens; a call that carries on from there or later is past it |
//! | `demo:hang`, `demo:hang-after=20` | it says nothing more, and does not end |
//! | `demo:refuse` | a refusal |
//! | `demo:inspect` | the request as it came, as JSON |

mod answer;
mod asked;
mod history;
mod phrases;
mod play;
mod prose;
mod schema;
mod texts;
mod tokens;
mod tools;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;

use crate::{Call, Engine, Error, Outputs};

/// How the built-in model behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoConfig {
    /// The names that it answers to.
    pub models: Vec<String>,
    /// Which of its texts it says.
    pub seed: u64,
    /// The time before the first token.
    pub first_token: Duration,
    /// How fast it speaks; as fast as it is read if this is not a positive number.
    pub tokens_per_second: f64,
}

impl Default for DemoConfig {
    /// About as fast as a person reads with pleasure.
    fn default() -> Self {
        Self {
            models: vec!["demo".to_owned()],
            seed: 0,
            first_token: Duration::from_millis(150),
            tokens_per_second: 40.0,
        }
    }
}

impl DemoConfig {
    /// As fast as it is read: for tests and measurements.
    pub fn unpaced() -> Self {
        Self { first_token: Duration::ZERO, tokens_per_second: 0.0, ..Self::default() }
    }

    fn pause(&self) -> Duration {
        if self.tokens_per_second > 0.0 {
            // A speed of nearly nothing is a pause that the worker's bounds end.
            Duration::try_from_secs_f64(1.0 / self.tokens_per_second).unwrap_or(Duration::MAX)
        } else {
            Duration::ZERO
        }
    }
}

/// The built-in model.
#[derive(Debug, Clone)]
pub struct DemoEngine {
    config: DemoConfig,
}

impl DemoEngine {
    /// A model that behaves so.
    pub const fn new(config: DemoConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl Engine for DemoEngine {
    async fn generate(&self, call: Call) -> Result<Outputs, Error> {
        let asked = asked::Asked::new(&call.request);
        let phrases = phrases::Phrases::read(&asked.text)?;
        if let Some(fault) = phrases.fail {
            return Err(phrases::error(fault));
        }
        let answer = answer::answer(&asked, &phrases, self.config.seed);
        let pace = play::Pace::new(
            phrases.first_token.unwrap_or(self.config.first_token),
            phrases.pause.unwrap_or_else(|| self.config.pause()),
        );
        let prefix = call.prefix.as_deref().unwrap_or_default();
        Ok(play::Play::new(&call.request, answer, prefix, phrases.fault, pace)?.boxed())
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(Some(self.config.models.clone()))
    }

    fn server(&self) -> &str {
        "demo"
    }
}

#[cfg(test)]
mod tests;
