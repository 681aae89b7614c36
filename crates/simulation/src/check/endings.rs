//! How a response may end, and what it may say.

use serde_json::Value;

use super::Evidence;
use crate::{
    client::MODELS,
    ledger::Entry,
    model::Mishap,
    prompt::{Kind, Prompt},
    story::Story,
};

/// One response's end.
pub(super) struct Ending<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) story: &'a Story,
    pub(super) entry: &'a Entry,
    pub(super) prompt: &'a Prompt,
    pub(super) end: &'a Value,
}

impl Ending<'_> {
    pub(super) fn check(&self) {
        let status = self.end["status"].as_str().unwrap_or_default();
        self.check_texts(status == "completed");
        match status {
            "completed" => self.count("completed"),
            "cancelled" if self.may_be_cancelled() => self.count("cancelled"),
            "cancelled" => self.object("was cancelled, though nobody wanted that"),
            "failed" => self.check_failure(),
            other => self.object(&format!("ended as {other}: {}", self.end)),
        }
    }

    fn count(&self, what: &'static str) {
        self.evidence.journal.count(what);
    }

    fn object(&self, what: &str) {
        self.evidence.object(self.entry, what);
    }

    /// What was told, in the deltas and in the end, is how the answer begins; all of it, if it is whole.
    fn check_texts(&self, is_whole: bool) {
        let wanted: Vec<_> =
            self.prompt.answer().into_iter().map(|(kind, pieces)| (kind, pieces.concat())).collect();
        let ended: Vec<_> = self.end["output"].as_array().into_iter().flatten().map(text_of).collect();
        if ended.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>() != self.padded_texts(ended.len()) {
            self.object(&format!("says {ended:?} in its end, but {:?} in its deltas", self.story.texts()));
        }
        let is_right = if is_whole { ended == wanted } else { begins(&wanted, &ended) };
        if !is_right {
            self.object(&format!("says {ended:?} instead of {wanted:?}"));
        }
    }

    /// An item that was begun may have no delta.
    fn padded_texts(&self, items: usize) -> Vec<String> {
        let mut texts = self.story.texts();
        texts.resize(texts.len().max(items), String::new());
        texts
    }

    /// Somebody cancelled it, or nobody was there for it any more.
    fn may_be_cancelled(&self) -> bool {
        let id = Some(self.story.id);
        let mut clients = self.evidence.witnesses.iter().filter(|witness| witness.seen.id == id).peekable();
        // One whose client never heard of it, and has asked anew without a key.
        let is_orphan = clients.peek().is_none();
        let is_background = self.story.header.background;
        is_orphan && !is_background
            || clients.any(|client| client.errand.has_cancelled || (client.errand.has_left && !is_background))
    }

    fn check_failure(&self) {
        let code = self.story.error_code().unwrap_or_default();
        let mishaps: Vec<_> = self
            .evidence
            .calls
            .iter()
            .filter(|call| call.prompt == *self.prompt)
            .filter_map(|call| call.mishap)
            .collect();
        let any = |wanted: fn(&Mishap) -> bool| mishaps.iter().any(wanted);
        let (is_allowed, name) = match code.as_str() {
            "generation_interrupted" => (self.may_be_interrupted(), "failed: interrupted"),
            "upstream_busy" => (any(|mishap| *mishap == Mishap::Busy), "failed: model"),
            "upstream_unreachable" => {
                (any(|mishap| matches!(mishap, Mishap::BreaksOff(_) | Mishap::Ends(_))), "failed: model")
            }
            "upstream_timeout" => (any(|mishap| matches!(mishap, Mishap::Hangs(_))), "failed: model"),
            "too_many_attempts" => (self.entry.claims > 5, "failed: attempts"),
            "queue_timeout" => (!self.entry.was_taken, "failed: queue"),
            _ => (false, "failed"),
        };
        self.count(name);
        if !is_allowed {
            self.object(&format!("failed with {code}, which nothing explains"));
        }
    }

    /// Something was shown that this model cannot carry on, and its worker was lost.
    fn may_be_interrupted(&self) -> bool {
        let continues = MODELS.iter().any(|(model, continues)| *model == self.entry.model && *continues);
        let texts = self.story.texts();
        let has_open_text = match self.prompt.kind {
            Kind::Text => true,
            // Reasoning alone is nothing to carry on.
            Kind::Reasoned => texts.len() > 1,
            Kind::Json | Kind::Call => false,
        };
        let has_output = self.end["output"].as_array().is_some_and(|output| !output.is_empty());
        self.entry.epoch > 1 && has_output && !(continues && has_open_text)
    }
}

/// An item's type and text.
fn text_of(item: &Value) -> (&str, String) {
    let kind = item["type"].as_str().unwrap_or_default();
    let text = if kind == "function_call" { &item["arguments"] } else { &item["content"][0]["text"] };
    (kind, text.as_str().unwrap_or_default().to_owned())
}

/// Whether `ended` is how `wanted` begins.
fn begins(wanted: &[(&str, String)], ended: &[(&str, String)]) -> bool {
    let Some(((kind, text), whole)) = ended.split_last() else { return true };
    whole.len() < wanted.len()
        && whole == &wanted[..whole.len()]
        && wanted[whole.len()].0 == *kind
        && wanted[whole.len()].1.starts_with(text.as_str())
}
