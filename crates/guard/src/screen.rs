//! Takes characters and terminal escapes out of a text that comes in pieces.
//!
//! An escape sequence is left out as it comes, so nothing of it is held back, however long it is. Only a carriage return
//! waits for what follows: before a line feed it is the end of a line, elsewhere it writes over the line.

use bytestring::ByteString;

use crate::{Config, Found, Treatment};

/// C0 without line feed, tab and carriage return; DEL and C1.
const CONTROL: &[(char, char)] =
    &[('\0', '\u{8}'), ('\u{b}', '\u{c}'), ('\u{e}', '\u{1f}'), ('\u{7f}', '\u{9f}')];

/// Embeddings, overrides and isolates (UAX #9).
const BIDI: &[(char, char)] = &[('\u{202a}', '\u{202e}'), ('\u{2066}', '\u{2069}')];

/// Soft hyphen, direction marks, Mongolian vowel separator, zero-width characters, invisible operators, deprecated format
/// characters, byte-order mark, tags and supplementary variation selectors. (The sixteen plain variation selectors choose between
/// text and emoji, and stay.)
const INVISIBLE: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{206a}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{e0000}', '\u{e007f}'),
    ('\u{e0100}', '\u{e01ef}'),
];

/// With what a terminal's sequence begins (ECMA-48): the escape character, and the introducers among C1.
const INTRODUCERS: &[(char, char)] =
    &[('\u{1b}', '\u{1b}'), ('\u{90}', '\u{90}'), ('\u{98}', '\u{98}'), ('\u{9b}', '\u{9f}')];

/// The rules of this stage, by number.
pub(crate) const NAMES: [&str; 4] =
    ["terminal_escapes", "control_characters", "bidi_characters", "invisible_characters"];
const ESCAPES: usize = 0;
const CONTROLS: usize = 1;

/// What is taken out.
#[derive(Debug)]
pub(crate) struct Screening {
    treatments: [Treatment; 4],
    /// The bytes that a character of interest may begin with; a text without them passes.
    suspicious: Box<[bool; 256]>,
}

impl Screening {
    pub(crate) fn new(config: &Config) -> Self {
        let treatments = [
            config.terminal_escapes,
            config.control_characters,
            config.bidi_characters,
            config.invisible_characters,
        ];
        let mut suspicious = Box::new([false; 256]);
        let classes = [INTRODUCERS, CONTROL, BIDI, INVISIBLE];
        let active = classes.iter().zip(treatments).filter(|(_, treatment)| *treatment != Treatment::Off);
        for character in active.flat_map(|(class, _)| *class).flat_map(|(first, last)| *first..=*last) {
            suspicious[first_byte(character)] = true;
        }
        suspicious[usize::from(b'\r')] = config.control_characters != Treatment::Off;
        Self { treatments, suspicious }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.treatments.iter().all(|treatment| *treatment == Treatment::Off)
    }

    fn is_on(&self, rule: usize) -> bool {
        self.treatments[rule] != Treatment::Off
    }

    /// Which rule takes the character out, if one does.
    fn rule_for(&self, character: char) -> Option<usize> {
        [(CONTROLS, CONTROL), (2, BIDI), (3, INVISIBLE)]
            .into_iter()
            .find(|(rule, class)| self.is_on(*rule) && is_in(class, character))
            .map(|(rule, _)| rule)
    }
}

fn first_byte(character: char) -> usize {
    usize::from(character.encode_utf8(&mut [0; 4]).as_bytes()[0])
}

fn is_in(class: &[(char, char)], character: char) -> bool {
    class.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

/// Where in a text it is.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After a carriage return, which is held back.
    Return,
    /// After the escape character.
    Escape,
    /// In a control sequence.
    Csi,
    /// In a control string: OSC, DCS, SOS, PM or APC.
    String,
    /// After an escape character in a control string.
    StringEscape,
}

impl Screen {
    /// How many bytes are held back.
    pub(crate) fn held(&self) -> usize {
        usize::from(self.state == State::Return)
    }

    /// Takes in `text`, and with `is_last` what is held; then it is ready for another text.
    pub(crate) fn push(
        &mut self,
        rules: &Screening,
        text: ByteString,
        is_last: bool,
        found: &mut Vec<Found>,
    ) -> ByteString {
        let passes = !text.bytes().any(|byte| rules.suspicious[usize::from(byte)]);
        if self.state == State::Text && passes {
            return text;
        }
        let mut out = Out { rules, found, text: String::with_capacity(text.len() + 1) };
        for character in text.chars() {
            self.state = self.state.step(character, &mut out);
        }
        if is_last {
            if self.state == State::Return {
                out.take_out(CONTROLS);
            }
            self.state = State::Text;
        }
        out.text.into()
    }
}

impl State {
    fn step(self, character: char, out: &mut Out<'_>) -> Self {
        match (self, character) {
            (Self::Return, '\n') => {
                out.text.push_str("\r\n");
                Self::Text
            }
            (Self::Return, _) => {
                out.take_out(CONTROLS);
                Self::Text.step(character, out)
            }
            (Self::Escape, '[') => Self::Csi,
            (Self::Escape, ']' | 'P' | 'X' | '^' | '_') => Self::String,
            (Self::Escape, ' '..='/') | (Self::Csi, ' '..='?') => self,
            (Self::Escape, '0'..='~') | (Self::Csi, '@'..='~') => Self::Text,
            (Self::String, '\x07' | '\x18' | '\x1a' | '\u{9c}') | (Self::StringEscape, '\\') => Self::Text,
            (Self::String, '\x1b') => Self::StringEscape,
            // No title or link has one; so a string without an end takes no more with it than its line.
            (Self::String, '\n') => Self::Text.step(character, out),
            (Self::String, _) => Self::String,
            (Self::StringEscape, _) => Self::Escape.step(character, out),
            // What does not belong to a sequence ends it.
            (Self::Text | Self::Escape | Self::Csi, _) => Self::text(character, out),
        }
    }

    fn text(character: char, out: &mut Out<'_>) -> Self {
        if character == '\r' && out.rules.is_on(CONTROLS) {
            return Self::Return;
        }
        if out.rules.is_on(ESCAPES) && is_in(INTRODUCERS, character) {
            out.take_out(ESCAPES);
            return match character {
                '\x1b' => Self::Escape,
                '\u{9b}' => Self::Csi,
                '\u{9c}' => Self::Text,
                _ => Self::String,
            };
        }
        match out.rules.rule_for(character) {
            Some(rule) => out.take_out(rule),
            None => out.text.push(character),
        }
        Self::Text
    }
}

struct Out<'a> {
    rules: &'a Screening,
    found: &'a mut Vec<Found>,
    text: String,
}

impl Out<'_> {
    fn take_out(&mut self, rule: usize) {
        Found::add(self.found, rule);
        if self.rules.treatments[rule] == Treatment::Replace {
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}
