//! The guard at work inside of JSON: function arguments, and answers in a JSON format.
//!
//! Each string is a text of its own, guarded as the program will read it that gets it: without its escapes, which are
//! written anew. So is each number, as a card's may be one; if anything is found in it, it becomes a string. What else
//! stands between strings is guarded, too, as a model may be wrong about what is JSON. So what was valid stays valid.

use std::{fmt::Write as _, sync::Arc};

use bytestring::ByteString;

use crate::{Filter, Guard, Rule};

/// How much of a number is held back, until it is known what is in it: an integer of 3,072 bits has 925 digits. What is longer becomes
/// a string, as if something had been found in it: then it need not be held back any more.
const MAX_NUMBER_BYTES: usize = 1024;

/// Guards one JSON text that comes in pieces.
#[derive(Debug)]
pub struct JsonFilter {
    filter: Filter,
    state: State,
    /// Between strings: nothing but space since a value could begin.
    expects_value: bool,
    /// The number that is being read, or the escape, without its backslash.
    token: String,
    /// The first half of a character beyond the first plane, written as two escapes.
    high: Option<u16>,
    /// What was read and is not given to the filter yet.
    read: String,
    /// What comes out.
    out: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    /// In a number, of which all is held back.
    Number,
    /// In what began as a number, and is a string because of its length.
    LongNumber,
    String,
    Escape,
}

impl JsonFilter {
    /// For a JSON text that begins.
    pub fn new(guard: Arc<Guard>) -> Self {
        let mut filter = Filter::new(guard);
        filter.as_json_value = true;
        let (state, high) = (State::Between, None);
        Self {
            filter,
            state,
            expects_value: true,
            token: String::new(),
            high,
            read: String::new(),
            out: String::new(),
        }
    }

    /// Takes in the next piece. What can be passed on now, which may be nothing.
    pub fn push(&mut self, text: &str) -> ByteString {
        for character in text.chars() {
            self.step(character);
        }
        self.pass(false);
        std::mem::take(&mut self.out).into()
    }

    /// The text has ended: what was held back. (Valid JSON ends outside of a string.)
    pub fn finish(&mut self) -> ByteString {
        match self.state {
            State::Escape => self.give_up_escape(),
            State::Number => self.end_number(),
            State::LongNumber => self.border(State::Between),
            State::Between | State::String => {}
        }
        self.give_up_half();
        self.pass(true);
        std::mem::take(&mut self.out).into()
    }

    /// Whether a pattern was found that ends the text. Nothing comes out any more then.
    pub const fn is_stopped(&self) -> bool {
        self.filter.is_stopped()
    }

    /// What was found since the last call.
    pub fn found(&mut self) -> impl Iterator<Item = (Rule<'_>, u64)> {
        self.filter.found()
    }

    fn step(&mut self, character: char) {
        match (self.state, character) {
            (State::Between, '"') => self.border(State::String),
            (State::Between, '-' | '0'..='9') if self.expects_value => {
                self.pass(true);
                self.token.push(character);
                self.state = State::Number;
            }
            (State::Between, _) => self.between(character),
            (State::Number, _) if is_of_number(character) => self.number(character),
            (State::LongNumber, _) if is_of_number(character) => self.read.push(character),
            (State::Number, _) => {
                self.end_number();
                self.step(character);
            }
            (State::LongNumber, _) => {
                self.border(State::Between);
                self.step(character);
            }
            (State::String, '"') => self.border(State::Between),
            (State::String, '\\') => self.state = State::Escape,
            (State::String, _) => self.character(character),
            (State::Escape, _) => self.escape(character),
        }
    }

    /// A quote: one text ends, another begins.
    fn border(&mut self, next: State) {
        self.give_up_half();
        self.pass(true);
        if !self.is_stopped() {
            self.out.push('"');
        }
        self.state = next;
        self.expects_value = false;
        self.filter.as_json_value = next == State::Between;
    }

    fn between(&mut self, character: char) {
        self.expects_value = match character {
            ':' | ',' | '[' => true,
            ' ' | '\t' | '\n' | '\r' => self.expects_value,
            _ => false,
        };
        // To JSON the same; and no sign of somebody writing over a line.
        self.read.push(if character == '\r' { '\n' } else { character });
    }

    /// A character of a number.
    fn number(&mut self, character: char) {
        self.token.push(character);
        if self.token.len() > MAX_NUMBER_BYTES {
            self.border(State::LongNumber);
            self.read = std::mem::take(&mut self.token);
        }
    }

    /// A number is whole.
    fn end_number(&mut self) {
        self.state = State::Between;
        self.expects_value = false;
        let number = std::mem::take(&mut self.token);
        self.filter.as_json_value = false;
        let passed = [self.filter.push(number.as_str().into()), self.filter.finish()].concat();
        self.filter.as_json_value = true;
        if passed == number {
            self.out.push_str(&number);
        } else if !self.is_stopped() {
            self.out.push('"');
            write_escaped(&mut self.out, &passed);
            self.out.push('"');
        }
    }

    /// A character of a string.
    fn character(&mut self, character: char) {
        self.give_up_half();
        self.read.push(character);
    }

    fn escape(&mut self, character: char) {
        self.token.push(character);
        let simple = match self.token.as_bytes() {
            [b'u', digits @ ..] => {
                let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
                return match digits.len() {
                    4 if are_digits => self.code_unit(),
                    0..4 if are_digits => {}
                    _ => self.give_up_escape(),
                };
            }
            b"b" => '\u{8}',
            b"f" => '\u{c}',
            b"n" => '\n',
            b"r" => '\r',
            b"t" => '\t',
            b"\"" | b"\\" | b"/" => character,
            _ => return self.give_up_escape(),
        };
        self.token.clear();
        self.state = State::String;
        self.character(simple);
    }

    /// `\uXXXX` is whole.
    fn code_unit(&mut self) {
        let unit = u16::from_str_radix(&self.token[1..], 16).unwrap_or_default();
        self.token.clear();
        self.state = State::String;
        if let Some(high) = self.high.take() {
            if let Some(Ok(character)) = char::decode_utf16([high, unit]).next() {
                self.read.push(character);
                return;
            }
            self.read.push(char::REPLACEMENT_CHARACTER);
        }
        match char::from_u32(u32::from(unit)) {
            Some(character) => self.character(character),
            None if (0xd800..0xdc00).contains(&unit) => self.high = Some(unit),
            None => self.character(char::REPLACEMENT_CHARACTER),
        }
    }

    /// A half without its other is no character.
    fn give_up_half(&mut self) {
        if self.high.take().is_some() {
            self.read.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// What is no escape is told as what it says, which is not JSON before and is afterwards.
    fn give_up_escape(&mut self) {
        self.give_up_half();
        self.state = State::String;
        let said = std::mem::take(&mut self.token);
        self.read.push('\\');
        for character in said.chars() {
            self.step(character);
        }
    }

    /// Gives what was read to the filter, and what it passes on is written.
    fn pass(&mut self, is_last: bool) {
        if !self.read.is_empty() {
            let text = self.filter.push(std::mem::take(&mut self.read).into());
            self.write(&text);
        }
        if is_last {
            let text = self.filter.finish();
            self.write(&text);
        }
    }

    fn write(&mut self, text: &str) {
        if self.filter.as_json_value {
            self.out.push_str(text);
        } else {
            write_escaped(&mut self.out, text);
        }
    }
}

/// Whether it may stand in a number, wherever that is (RFC 8259, section 6).
const fn is_of_number(character: char) -> bool {
    matches!(character, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')
}

/// Writes `text` as it stands within a JSON string (RFC 8259, section 7).
fn write_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        // Writing to a string does not fail.
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\0'..='\x1f' => write!(out, "\\u{:04x}", u32::from(character)),
            _ => out.write_char(character),
        };
    }
}
