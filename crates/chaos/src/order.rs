//! What clients ask for: prompts whose whole answer is known beforehand.

use std::time::Duration;

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

impl Order {
    /// Order `number` of client `client`: two to twenty seconds of text.
    pub(crate) fn new(seed: u64, client: usize, number: u64, random: &mut StdRng) -> Self {
        let tokens = random.random_range(40..160);
        let delay = Duration::from_millis(random.random_range(50..120));
        let key = format!("chaos-{seed}-{client}-{number}");
        let prompt = format!("This is {key}. [[tokens={tokens} delay_ms={}]]", delay.as_millis());
        Self { key, text: testkit::model_server::text(&prompt, 0, tokens), prompt, tokens }
    }

    /// Input and output, as the response must count them: the input once, the output as it was shown.
    pub(crate) fn usage(&self) -> (u64, u64) {
        (self.prompt.split_whitespace().count() as u64, self.tokens)
    }
}
