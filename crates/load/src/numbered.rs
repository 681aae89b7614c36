//! A text whose every word tells its place, so that one look at a piece says whether it stands where it must.
//!
//! It is ` 0000 0001 0002 …` up to ` 9999`, and again from the beginning. A token is a blank and four digits: as long as tokens are on
//! average.

use std::sync::LazyLock;

/// The bytes of a token.
pub const TOKEN_BYTES: usize = 5;

/// After so many tokens the text begins again.
pub const PERIOD: usize = 10_000;

/// Pieces longer than this are compared in several steps.
const MAX_PIECE: usize = PERIOD * TOKEN_BYTES;

/// Twice, so that every piece stands somewhere as a whole.
static TEXT: LazyLock<String> =
    LazyLock::new(|| (0..2 * PERIOD).map(|number| format!(" {:04}", number % PERIOD)).collect());

/// The token with this number.
pub fn token(number: usize) -> &'static str {
    let at = number % PERIOD * TOKEN_BYTES;
    &TEXT[at..at + TOKEN_BYTES]
}

/// Whether `piece` is what stands in the text from byte `at` on.
pub(crate) fn stands_at(piece: &str, at: usize) -> bool {
    let mut at = at % MAX_PIECE;
    piece.as_bytes().chunks(MAX_PIECE).all(|chunk| {
        let there = TEXT.as_bytes().get(at..at + chunk.len());
        at = (at + chunk.len()) % MAX_PIECE;
        there == Some(chunk)
    })
}

/// The number of the token with which `piece` begins, if it is a token of this text.
pub(crate) fn number(piece: &str) -> Option<u64> {
    piece.strip_prefix(' ')?.get(..TOKEN_BYTES - 1)?.parse().ok()
}
