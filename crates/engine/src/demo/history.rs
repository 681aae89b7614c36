//! Answers that show that the model sees the whole conversation, whichever way it came.

use super::asked::Asked;

/// So much of each message stands in a summary.
const WORDS_PER_MESSAGE: usize = 24;

/// The answer to a question about the conversation, or `None` if it is no such question.
pub(super) fn answer(asked: &Asked<'_>, question: &str) -> Option<String> {
    let question = question.to_lowercase();
    if question.starts_with("summar") || question.starts_with("sum up") {
        return Some(summary(asked));
    }
    if ["what is my name", "what's my name", "who am i", "my name?"].iter().any(|ask| question.contains(ask))
    {
        return Some(match asked.earlier.iter().rev().find_map(|text| name_in(text)) {
            Some(name) => format!("Your name is {name}."),
            None => "You have not told me your name.".to_owned(),
        });
    }
    if question.contains("did i say")
        || question.contains("did i just say")
        || question.contains("my last message")
    {
        return Some(match asked.earlier.last() {
            Some(text) => format!("You said: {text}"),
            None => "You have said nothing before that.".to_owned(),
        });
    }
    let name = name_in(&asked.text)?;
    Some(format!("Pleased to meet you, {name}. I am the demo model of Narthex."))
}

/// The name in `My name is Ada.`
fn name_in(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    // Lowering the case may change the length of a text, but not of one in which these words are found at a place that
    // is a character's in both.
    let (at, phrase) =
        ["my name is ", "call me "].iter().find_map(|phrase| Some((lower.find(phrase)?, *phrase)))?;
    let name = text.get(at + phrase.len()..)?.split([' ', '.', ',', '!', '?', '\n', '"']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn summary(asked: &Asked<'_>) -> String {
    if asked.earlier.is_empty() {
        return "Nothing has been said yet.".to_owned();
    }
    let lines: Vec<String> = asked
        .earlier
        .iter()
        .map(|text| {
            let words: Vec<&str> = text.split_whitespace().take(WORDS_PER_MESSAGE).collect();
            format!("- {}", words.join(" "))
        })
        .collect();
    format!("The user said:\n{}", lines.join("\n"))
}
