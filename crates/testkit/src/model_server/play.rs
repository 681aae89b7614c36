//! A script as the steps that it takes: pure, and endless if the script is.

use super::{
    prompt::Prompt,
    script::{Fault, Script, UsageNumbers},
    words,
};

/// One thing that the server does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// It tells something.
    Tell(Piece),
    /// Something goes wrong.
    Fail(Fault),
    /// It comes to its end.
    Finish,
}

/// Something that is told at once: what counts as a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Of the answer.
    Text(String),
    /// Of the reasoning.
    Reasoning(String),
    /// Of a refusal.
    Refusal(String),
    /// The beginning of a call.
    Call {
        /// Which call, from 0.
        index: usize,
        /// Its id.
        id: String,
        /// The function.
        name: String,
    },
    /// Of the arguments of a call.
    Arguments {
        /// Which call, from 0.
        index: usize,
        /// The JSON.
        text: String,
    },
}

/// All that there is to tell about one request.
#[derive(Debug, Clone)]
pub(super) struct Play {
    script: Script,
    prompt: Prompt,
    faulty: bool,
}

impl Play {
    /// The play of `script` for `prompt`; without faults unless it is `faulty`.
    ///
    /// # Errors
    /// When the prompt's prefix is not the beginning of what the script says.
    pub(super) fn new(script: Script, prompt: Prompt, faulty: bool) -> Result<Self, &'static str> {
        let play = Self { script, prompt, faulty };
        if play.text_after_prefix().is_none() {
            return Err("The assistant message is not the beginning of this text.");
        }
        Ok(play)
    }

    pub(super) const fn script(&self) -> &Script {
        &self.script
    }

    pub(super) const fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// What is told, in order, up to the bound that the request sets.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> + Send + use<> {
        let bound = self.prompt.max_tokens.map_or(usize::MAX, |bound| bound.try_into().unwrap_or(usize::MAX));
        self.unbounded_pieces().take(bound)
    }

    fn unbounded_pieces(&self) -> impl Iterator<Item = Piece> + Send + use<> {
        let reasoning = self.script.reasoning.clone().into_iter().map(Piece::Reasoning);
        let refusal = self.script.refusal.clone().into_iter().map(Piece::Refusal);
        let says_text = self.script.refusal.is_empty() && !self.calls_functions();
        let text =
            says_text.then(|| self.text_after_prefix()).flatten().into_iter().flatten().map(Piece::Text);
        reasoning.chain(refusal).chain(text).chain(self.calls())
    }

    /// The steps, faults included.
    pub(super) fn steps(&self) -> Box<dyn Iterator<Item = Step> + Send> {
        let pieces = self.pieces().map(Step::Tell);
        match self.script.fault.clone().filter(|_| self.faulty) {
            None => Box::new(pieces.chain([Step::Finish])),
            Some((after, fault)) => {
                let after = after.try_into().unwrap_or(usize::MAX);
                let mut rest = self.pieces().skip(after).map(Step::Tell).chain([Step::Finish]);
                let goes_on = matches!(fault, Fault::Garbage(_));
                let rest = std::iter::from_fn(move || if goes_on { rest.next() } else { None });
                Box::new(pieces.take(after).chain([Step::Fail(fault)]).chain(rest))
            }
        }
    }

    /// Why it stops, in the words of Chat Completions, after so many tokens.
    pub(super) fn finish_reason(&self, told: u64) -> &str {
        match &self.script.finish_reason {
            Some(reason) => reason,
            None if self.has_more_than(told) => "length",
            None if self.calls_functions() => "tool_calls",
            None => "stop",
        }
    }

    /// What it counts, after so many tokens.
    pub(super) fn usage(&self, told: u64) -> UsageNumbers {
        self.script.usage.unwrap_or_else(|| UsageNumbers {
            input: (self.prompt.text.split_whitespace().count()
                + self.prompt.prefix.split_whitespace().count()) as u64,
            cached: 0,
            output: told,
            reasoning: told.min(self.script.reasoning.len() as u64),
        })
    }

    fn has_more_than(&self, told: u64) -> bool {
        self.unbounded_pieces().nth(told.try_into().unwrap_or(usize::MAX)).is_some()
    }

    fn calls_functions(&self) -> bool {
        !self.script.calls.is_empty() && !self.prompt.has_tool_output
    }

    fn calls(&self) -> impl Iterator<Item = Piece> + Send + use<> {
        let calls = if self.calls_functions() { self.script.calls.clone() } else { Vec::new() };
        calls.into_iter().enumerate().flat_map(|(index, call)| {
            let begin = Piece::Call { index, id: format!("call_{index}"), name: call.name };
            let (front, back) =
                call.arguments.split_at(call.arguments.floor_char_boundary(call.arguments.len() / 2));
            let arguments = [front, back].map(|text| Piece::Arguments { index, text: text.to_owned() });
            [begin].into_iter().chain(arguments)
        })
    }

    /// The tokens that remain when the prefix is said, or `None` if it is not the beginning.
    fn text_after_prefix(&self) -> Option<impl Iterator<Item = String> + Send + use<>> {
        let mut tokens = self.text();
        let mut prefix = self.prompt.prefix.as_str();
        let mut begun = None;
        while !prefix.is_empty() {
            let token = tokens.next()?;
            match prefix.strip_prefix(token.as_str()) {
                Some(rest) => prefix = rest,
                None => {
                    begun = Some(token.strip_prefix(prefix)?.to_owned());
                    prefix = "";
                }
            }
        }
        Some(begun.into_iter().chain(tokens))
    }

    fn text(&self) -> Box<dyn Iterator<Item = String> + Send> {
        let Script { seed, tokens, endless, .. } = self.script;
        if let Some(say) = &self.script.say {
            return Box::new(say.clone().into_iter());
        }
        if self.script.echo {
            let text = self.prompt.plain_text();
            let words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
            return Box::new(words.into_iter());
        }
        let prompt = self.prompt.text.clone();
        Box::new(
            (0..if endless { u64::MAX } else { tokens }).map(move |index| words::word(&prompt, seed, index)),
        )
    }
}
