//! The patterns that have a name. Each is as narrow as the issuer's own form allows: what is masked in vain is noticed by users.
//!
//! All of them are ASCII, so their automata stay small, and begin at the border of a word: `risk-…` has no key in it.

/// A pattern that has a name.
pub(crate) struct BuiltIn {
    pub(crate) name: &'static str,
    pub(crate) regex: &'static str,
    /// What a match must pass, too.
    pub(crate) check: Option<Check>,
}

/// Whether what has the form is the thing.
pub(crate) type Check = fn(&str) -> bool;

const fn form(name: &'static str, regex: &'static str) -> BuiltIn {
    BuiltIn { name, regex, check: None }
}

/// All of them, in the order in which they are told.
pub(crate) const BUILT_IN: &[BuiltIn] = &[
    form("private_key", PRIVATE_KEY),
    form("aws_access_key", r"(?-u:\b)(?:AKIA|ASIA)[A-Z2-7]{16}"),
    form(
        "openai_key",
        r"(?-u:\b)sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*|[A-Za-z0-9]{32}[A-Za-z0-9]*)",
    ),
    form("anthropic_key", r"(?-u:\b)sk-ant-[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*"),
    form("github_token", r"(?-u:\b)(?:gh[opsru]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9]{22})[A-Za-z0-9_]*"),
    form("slack_token", r"(?-u:\b)(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10}[A-Za-z0-9-]*"),
    form("google_api_key", r"(?-u:\b)AIza[A-Za-z0-9_-]{35}"),
    form("stripe_key", r"(?-u:\b)[rs]k_(?:live|test)_[A-Za-z0-9]{16}[A-Za-z0-9]*"),
    form("jwt", r"(?-u:\b)eyJ[A-Za-z0-9_-]{10,200}\.eyJ[A-Za-z0-9_-]{8}[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?"),
    BuiltIn {
        name: "card_number",
        regex: r"(?-u:\b)[2-6][0-9](?:[ -]?[0-9]){11,17}(?-u:\b)",
        check: Some(luhn),
    },
    BuiltIn {
        name: "iban",
        regex: r"(?-u:\b)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?-u:\b)",
        check: Some(mod_97),
    },
    form(
        "email",
        r"(?-u:\b)[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,127}\.[A-Za-z]{2,24}",
    ),
];

/// PEM (RFC 7468) and its older forms, with OpenSSL's and PGP's headers. The first line is enough, and what cannot be in a
/// key ends it: prose that only mentions the line is not swallowed. Lines may also end in `\n` as it is written in code.
const PRIVATE_KEY: &str = concat!(
    r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----",
    r"(?:(?:[ \t\r\n]|\\[rn]){1,20}[A-Z][A-Za-z-]{2,20}: [^\r\n\\]{1,76})*",
    r"(?:(?:[ \t\r\n]|\\[rn]){0,20}[A-Za-z0-9+/=]{24}[A-Za-z0-9+/=]*)*",
    r"(?:(?:[ \t\r\n]|\\[rn]){0,20}[A-Za-z0-9+/=]{0,23}(?:[ \t\r\n]|\\[rn]){0,20}-----END [A-Z0-9 ]{0,32}KEY(?: BLOCK)?-----)?",
);

/// The check digit of payment cards (ISO/IEC 7812-1).
fn luhn(text: &str) -> bool {
    let digits = text.bytes().rev().filter(u8::is_ascii_digit).map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

/// The check digits of international bank account numbers (ISO 13616): 1 modulo 97, once the first four characters stand last and
/// letters count from 10.
fn mod_97(text: &str) -> bool {
    let compact: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let (head, tail) = compact.split_at(compact.len().min(4));
    let rest = tail.iter().chain(head).fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        letter => (rest * 100 + u32::from(letter.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    rest == 1
}
