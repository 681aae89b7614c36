//! What the built-in model answers.

use protocol::TextFormat;
use serde_json::json;

use super::{
    asked::{Asked, mix},
    history,
    phrases::Phrases,
    prose, schema, texts, tokens,
    tools::{self, ToolCall},
};

/// Tokens of a text; there may be very many.
pub(super) type Tokens = Box<dyn Iterator<Item = String> + Send>;

/// An answer: thoughts first, then one of text, refusal and calls.
pub(super) struct Answer {
    pub(super) reasoning: String,
    pub(super) summary: String,
    pub(super) text: Tokens,
    pub(super) refusal: String,
    pub(super) calls: Vec<ToolCall>,
}

/// The answer to what is asked.
pub(super) fn answer(asked: &Asked<'_>, phrases: &Phrases, seed: u64) -> Answer {
    let dice = asked.fingerprint(seed);
    let (reasoning, summary) = thoughts(asked, dice);
    let mut answer = Answer {
        reasoning,
        summary,
        text: Box::new(std::iter::empty()),
        refusal: String::new(),
        calls: Vec::new(),
    };
    let question = asked.plain_text();
    if phrases.inspect {
        answer.text = whole(&json!(asked.request).to_string());
    } else if phrases.refuse || texts::asks_to_refuse(&question) {
        answer.refusal = prose::REFUSAL.to_owned();
    } else if let Some(count) = phrases.tokens {
        answer.text = Box::new(prose::endless(dice).take(count.try_into().unwrap_or(usize::MAX)));
    } else {
        answer.calls = tools::calls(asked, &question, dice);
        if answer.calls.is_empty() {
            answer.text = text(asked, &question, dice);
        }
    }
    answer
}

/// What it says where it calls nothing.
fn text(asked: &Asked<'_>, question: &str, dice: u64) -> Tokens {
    match &asked.request.text.format {
        TextFormat::JsonSchema { schema, .. } => return whole(&schema::example(schema).to_string()),
        TextFormat::JsonObject => return whole(&json!({ "answer": prose::about(dice) }).to_string()),
        TextFormat::Text => {}
    }
    if !asked.outputs.is_empty() {
        let lines: Vec<String> =
            asked.outputs.iter().map(|(name, output)| format!("{name} says: {output}")).collect();
        return whole(&lines.join("\n"));
    }
    if let Some(said) = history::answer(asked, question) {
        return whole(&said);
    }
    if asked.images > 0 {
        let images =
            if asked.images == 1 { "an image".to_owned() } else { format!("{} images", asked.images) };
        return whole(&format!(
            "You sent {images}. I am a demo model and have no eyes, but a real one would look now."
        ));
    }
    texts::answer(question, dice).unwrap_or_else(|| whole(&prose::about(dice)))
}

/// What it thinks before it speaks, and the summary of it, if either is wanted.
fn thoughts(asked: &Asked<'_>, dice: u64) -> (String, String) {
    let Some(reasoning) = &asked.request.reasoning else { return Default::default() };
    let sentences = match reasoning.effort.as_deref() {
        None | Some("none") => return Default::default(),
        Some("minimal" | "low") => 1,
        Some("medium") => 2,
        Some("high") => 4,
        Some(_) => 6,
    };
    let first = mix(dice) as usize;
    let thoughts: Vec<&str> =
        (0..sentences).map(|which| prose::THOUGHTS[(first + which) % prose::THOUGHTS.len()]).collect();
    let summary = if reasoning.summary.is_some() { prose::THOUGHT_SUMMARY } else { "" };
    (thoughts.join(" "), summary.to_owned())
}

/// A text that is known as a whole.
pub(super) fn whole(text: &str) -> Tokens {
    let tokens: Vec<String> = tokens::split(text).map(str::to_owned).collect();
    Box::new(tokens.into_iter())
}
