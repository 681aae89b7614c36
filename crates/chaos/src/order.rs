//! What clients ask for: prompts whose whole answer is known beforehand.

use std::ops::Range;

use rand::{RngExt as _, rngs::StdRng};

/// One request, and what must come of it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Its idempotency key: one for each request, however often it is sent.
    pub(crate) key: String,
    pub(crate) prompt: String,
    /// What the model says, byte for byte.
    pub(crate) text: String,
    /// In so many tokens.
    pub(crate) tokens: u64,
}

/// How long responses are, and how fast.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    pub(crate) tokens: Range<u64>,
    /// Between two tokens.
    pub(crate) delay_ms: Range<u64>,
}

impl Default for Pace {
    /// Two to twenty seconds of text.
    fn default() -> Self {
        Self { tokens: 40..160, delay_ms: 50..120 }
    }
}

impl Order {
    /// Order `number` of client `client`.
    pub(crate) fn new(seed: u64, client: usize, number: u64, pace: &Pace, random: &mut StdRng) -> Self {
        let tokens = random.random_range(pace.tokens.clone());
        let delay = random.random_range(pace.delay_ms.clone());
        let key = format!("chaos-{seed}-{client}-{number}");
        let prompt = format!("This is {key}. [[tokens={tokens} delay_ms={delay}]]");
        Self { key, text: testkit::model_server::text(&prompt, 0, tokens), prompt, tokens }
    }

    /// Input and output, as the response must count them: the input once, the output as it was shown.
    pub(crate) fn usage(&self) -> (u64, u64) {
        (self.prompt.split_whitespace().count() as u64, self.tokens)
    }
}
