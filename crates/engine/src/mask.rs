//! Takes out of a model server's words what is not for clients: where it is, and what opens it.
//!
//! A client learns from such a message what is wrong with its request ("maximum context length is 8192 tokens"). The same
//! message may name the server's URL or repeat a key. Rather a harmless word too many is masked than one too few.

use std::net::{IpAddr, SocketAddr};

/// What stands in place of what was taken out.
const MASKED: &str = "[…]";
/// Longer messages are cut: a server that repeats the whole prompt in its error must not fill the stream with it.
const MAX_CHARS: usize = 500;
/// Shorter runs of letters and digits are words or numbers, not keys.
const MIN_KEY_CHARS: usize = 20;
/// How keys of well-known services begin.
const KEY_PREFIXES: [&str; 11] =
    ["sk-", "sk_", "pk-", "rk-", "hf_", "gsk_", "xai-", "AIza", "eyJ", "ghp_", "AKIA"];

/// How names end that mean something inside of a network only.
const INNER_SUFFIXES: [&str; 6] = [".internal", ".local", ".localdomain", ".lan", ".svc", ".corp"];

/// `message` without URLs, addresses and keys.
pub(crate) fn mask(message: &str) -> String {
    let mut masked = String::with_capacity(message.len().min(4 * MAX_CHARS));
    let mut after_bearer = false;
    for word in message.split_inclusive(is_separator) {
        let (core, separator) = match word.char_indices().next_back() {
            Some((at, last)) if is_separator(last) => word.split_at(at),
            _ => (word, ""),
        };
        let is_masked = after_bearer || is_url(core) || is_address(core) || is_key(core);
        masked.push_str(if is_masked && !core.is_empty() { MASKED } else { core });
        masked.push_str(separator);
        after_bearer = core.eq_ignore_ascii_case("bearer") || (after_bearer && core.is_empty());
    }
    match masked.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

const fn is_separator(character: char) -> bool {
    character.is_ascii_whitespace()
        || matches!(character, '"' | '\'' | '`' | '(' | ')' | '<' | '>' | ',' | ';' | '=' | '{' | '}')
}

fn is_url(word: &str) -> bool {
    word.contains("://")
}

fn is_address(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ':', '!', '?']);
    let bare = word.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() || word.parse::<SocketAddr>().is_ok() {
        return true;
    }
    if INNER_SUFFIXES.iter().any(|suffix| word.len() > suffix.len() && word.ends_with(suffix)) {
        return true;
    }
    // `host:port`, with or without a path behind it; `param: 12` has a space in between.
    let Some((host, rest)) = word.split_once(':') else {
        return word.eq_ignore_ascii_case("localhost");
    };
    let port = rest.split('/').next().unwrap_or_default();
    !host.is_empty() && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_key(word: &str) -> bool {
    if KEY_PREFIXES.iter().any(|prefix| word.starts_with(prefix) && word.len() > prefix.len() + 4) {
        return true;
    }
    word.split(|character: char| !character.is_ascii_alphanumeric()).any(|run| {
        run.len() >= MIN_KEY_CHARS
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests;
