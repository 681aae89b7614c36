//! What a response costs.
//!
//! A model server counts what one call of it costs, and a response may take several: a worker that takes over calls again, and
//! so does one whose server broke off. The client's bill has the input once, however often it was read, and the output
//! as it was told.

use protocol::Usage;
use stream::{Delta, DeltaKind};

/// The tokens of one response.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    told: Told,
    /// What was told before the present call of the model, and is the beginning of its answer.
    before: Told,
    /// What the present call has cost so far, as its server says.
    usage: Option<Usage>,
}

/// Deltas that were told; each counts as a token, as nearly all servers send them.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    all: u64,
    reasoning: u64,
}

impl Tally {
    /// A delta was told, here or by a predecessor.
    pub(crate) fn count(&mut self, delta: &Delta) {
        self.told.all += 1;
        self.told.reasoning += u64::from(delta.kind == DeltaKind::Reasoning);
    }

    /// How many tokens were told.
    pub(crate) const fn told(&self) -> u64 {
        self.told.all
    }

    /// The model is called: anew, or to carry on what was told.
    pub(crate) fn begin_call(&mut self, carries_on: bool) {
        self.usage = None;
        self.before = if carries_on { self.told } else { Told::default() };
    }

    /// The server said what the present call has cost so far.
    pub(crate) fn heard(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// What the response has cost; `None` if no server said. An answer that was cut off counts for what was told of it; of
    /// one that is `whole` the server knows better.
    ///
    /// To a call that carries on, the text that was told before is input. (Reasoning that was told before is not: it
    /// cannot be handed on.)
    pub(crate) fn usage(&self, whole: bool) -> Option<Usage> {
        let Usage { input_tokens, cached_tokens, output_tokens, reasoning_tokens } = self.usage?;
        let told = self.told.all - self.before.all;
        let output_tokens = if whole { output_tokens } else { output_tokens.max(told) };
        let prefix = self.before.all - self.before.reasoning;
        let input_tokens = input_tokens.saturating_sub(prefix);
        Some(Usage {
            input_tokens,
            cached_tokens: cached_tokens.min(input_tokens),
            output_tokens: output_tokens + self.before.all,
            reasoning_tokens: reasoning_tokens + self.before.reasoning,
        })
    }
}
