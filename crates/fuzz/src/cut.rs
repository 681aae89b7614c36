//! The same bytes in other pieces: whatever arrives over a network may be cut anywhere.

/// How many bytes at the beginning of an input say how to cut the rest.
const LENGTHS: usize = 8;

/// The input without its first eight bytes, whole and in pieces. Those bytes are the pieces' lengths, again and again: `0` stands
/// for one byte, `1` for two, and so on.
pub fn cut(input: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let (lengths, whole) = input.split_first_chunk::<LENGTHS>()?;
    let (mut rest, mut pieces) = (whole, Vec::new());
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(length_of(*length).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    Some((whole, pieces))
}

/// The same for text, which is cut between characters only.
pub fn cut_text(input: &[u8]) -> Option<(&str, Vec<&str>)> {
    let (lengths, whole) = input.split_first_chunk::<LENGTHS>()?;
    let whole = str::from_utf8(whole).ok()?;
    let (mut rest, mut pieces) = (whole, Vec::new());
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(length_of(*length)));
        pieces.push(piece);
        rest = after;
    }
    Some((whole, pieces))
}

fn length_of(byte: u8) -> usize {
    1 + usize::from(byte.wrapping_sub(b'0')) % 64
}
