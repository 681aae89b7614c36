//! Answers to what examples ask for: greetings, numbers, poems, echoes, so many words.

use super::{
    answer::{Tokens, whole},
    prose, tokens,
};

/// Nobody reads more numbers, or more words, than this.
const MAX_COUNT: u64 = 1_000_000;
/// Nothing is said more often than this.
const MAX_TIMES: u64 = 100;

/// The answer, or `None` if it is nothing of the kind.
pub(super) fn answer(question: &str, dice: u64) -> Option<Tokens> {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|character: char| !character.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));

    if let Some(text) = after(question, &["echo", "repeat after me", "repeat this"]) {
        return Some(whole(&text));
    }
    if let Some(text) = after(question, &["say", "please say"]) {
        return Some(said(&text));
    }
    if has(&["count"]) {
        return Some(count(&lower, &words));
    }
    if let Some((number, unit)) = amount(&words) {
        return Some(match unit {
            "tokens" | "token" => Box::new(prose::endless(dice).take(number as usize)),
            _ => prose::words(dice, number),
        });
    }
    if has(&["haiku"]) {
        return Some(whole(pick(&prose::HAIKUS, dice)));
    }
    if has(&["poem", "poems", "poetry", "verse", "rhyme"]) {
        return Some(whole(pick(&prose::POEMS, dice)));
    }
    if has(&["story", "tale", "unicorn"]) {
        return Some(whole(prose::STORY));
    }
    if words.len() <= 4 && has(&["hello", "hi", "hey", "greetings", "ping"]) {
        return Some(whole(pick(&prose::GREETINGS, dice)));
    }
    None
}

/// Whether the model is asked to refuse.
pub(super) fn asks_to_refuse(question: &str) -> bool {
    question.to_lowercase().split(|character: char| !character.is_alphanumeric()).any(|word| word == "refuse")
}

fn pick<'a>(texts: &[&'a str], dice: u64) -> &'a str {
    texts[(dice % texts.len() as u64) as usize]
}

/// What stands behind one of the commands at the beginning of the question.
fn after(question: &str, commands: &[&str]) -> Option<String> {
    commands.iter().find_map(|command| {
        let start = question.get(..command.len())?;
        let rest = question.get(command.len()..)?;
        let is_command = start.eq_ignore_ascii_case(command) && rest.starts_with([' ', ':', ',']);
        let rest = rest.trim_start_matches([' ', ':', ',']);
        (is_command && !rest.is_empty()).then(|| rest.to_owned())
    })
}

/// `say hello`, `say this is a test`, `say 'double bubble bath' ten times`.
fn said(text: &str) -> Tokens {
    let bare = text.trim_end_matches(['.', '!', '?']);
    if ["hello", "hi"].iter().any(|greeting| bare.eq_ignore_ascii_case(greeting)) {
        return whole(prose::GREETINGS[0]);
    }
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"'))
        && let Some((quoted, rest)) = text[1..].split_once(quote)
    {
        let times = rest.split_whitespace().find_map(number).unwrap_or(1).min(MAX_TIMES) as usize;
        let once: Vec<String> = tokens::split(quoted).map(str::to_owned).collect();
        let again: Vec<String> = tokens::split(&format!(" {quoted}")).map(str::to_owned).collect();
        let again = std::iter::repeat_n(again, times.saturating_sub(1)).flatten();
        return Box::new(once.into_iter().chain(again));
    }
    let mut characters = text.chars();
    let capitalized: String =
        characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect();
    whole(&if bare.len() == text.len() { format!("{capitalized}.") } else { capitalized })
}

/// `count to 20`, `count from 5 to 10`, `count down from 5`.
fn count(lower: &str, words: &[&str]) -> Tokens {
    let numbers: Vec<u64> = words.iter().filter_map(|word| number(word)).collect();
    let is_down = words.contains(&"down") || words.contains(&"backwards");
    let (first, last) = match numbers[..] {
        [] => (1, 10),
        [one] => (1, one),
        [first, last, ..] => (first.min(last), first.max(last)),
    };
    let last = last.min(first.saturating_add(MAX_COUNT));
    let separator = if lower.contains("line") { "\n" } else { ", " };
    let text = (first..=last).map(move |step| {
        let number = if is_down { last - (step - first) } else { step };
        if step == first { number.to_string() } else { format!("{separator}{number}") }
    });
    Box::new(text.flat_map(|text| tokens::split(&text).map(str::to_owned).collect::<Vec<_>>()))
}

/// The `200` and the `words` of `write 200 words`.
fn amount<'a>(words: &[&'a str]) -> Option<(u64, &'a str)> {
    words.windows(2).find_map(|pair| match *pair {
        [count, unit @ ("words" | "word" | "tokens" | "token")] => {
            Some((number(count)?.min(MAX_COUNT), unit))
        }
        _ => None,
    })
}

fn number(word: &str) -> Option<u64> {
    let word = word.trim_matches(|character: char| !character.is_alphanumeric());
    let small = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let found = small.iter().zip(0..).find_map(|(name, value)| (*name == word).then_some(value));
    found.or_else(|| match word {
        "twenty" => Some(20),
        "fifty" => Some(50),
        "hundred" => Some(100),
        "thousand" => Some(1_000),
        _ => word.parse().ok(),
    })
}
