//! What the server says: the same words for the same prompt and seed, always.

/// Some words are not ASCII, so that a cut in the middle of a character is seen.
const WORDS: &str = "fire hall light stone river morning door voice name road glass bread rain \
    letter night bell ship garden salt window über señal déjà naïve 火 語 \
    свет λόγος 🔥 👩‍🚀 and but or then when while because under over \
    before after without the a some every no this that another carries opens \
    waits turns speaks finds keeps leaves returns begins ends listens burns shines";
const COUNT: u64 = 64;

/// The `index`th token of the answer to `prompt`. All but the first begin with a space.
pub fn word(prompt: &str, seed: u64, index: u64) -> String {
    let which = mix(hash(prompt) ^ mix(seed) ^ mix(index.wrapping_add(1))) % COUNT;
    let word = WORDS.split(' ').nth(which as usize).unwrap_or_default();
    if index == 0 { word.to_owned() } else { format!(" {word}") }
}

/// The first `count` tokens of the answer to `prompt`.
pub fn tokens(prompt: &str, seed: u64, count: u64) -> impl Iterator<Item = String> {
    (0..count).map(move |index| word(prompt, seed, index))
}

/// The first `count` tokens of the answer to `prompt`, as one text.
pub fn text(prompt: &str, seed: u64, count: u64) -> String {
    tokens(prompt, seed, count).collect()
}

/// FNV-1a: a prompt's text as a number.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// SplitMix64: neighbouring numbers become unlike each other.
const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
