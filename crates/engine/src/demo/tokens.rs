//! Text in tokens: a word with the space before it, and a long word in pieces.

/// A longer word is several tokens.
const MAX_CHARS: usize = 8;

/// The tokens of `text`; one after the other they are the text.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (token, after) = rest.split_at(first_token(rest));
        rest = after;
        Some(token)
    })
}

/// Where the first token ends: after its white space and as many characters as a token has, or where the next white
/// space begins.
fn first_token(text: &str) -> usize {
    let word = text.find(|character: char| !character.is_whitespace()).unwrap_or(text.len());
    text[word..]
        .char_indices()
        .enumerate()
        .find(|(count, (_, character))| *count == MAX_CHARS || character.is_whitespace())
        .map_or(text.len(), |(_, (at, _))| word + at)
}
