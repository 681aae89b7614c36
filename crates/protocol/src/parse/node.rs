//! A reader of JSON that knows where it stands.
//!
//! A [`Node`] is a value and the way to it. The way is a list of steps on the stack, so that it costs nothing until an
//! error has to be worded.

use std::{fmt::Write as _, ops::RangeInclusive};

use serde_json::{Map, Value};

use super::wording::shortened;
use crate::ApiError;

/// The longest text anywhere, in characters.
pub(crate) const MAX_TEXT: usize = 10_485_760;

/// The longest name of a function, a format or a call.
pub(crate) const MAX_NAME: usize = 64;

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Node<'p, 'v> {
    pub(crate) value: &'v Value,
    step: Step<'v>,
    parent: Option<&'p Node<'p, 'v>>,
}

#[derive(Clone, Copy)]
enum Step<'v> {
    Root,
    Member(&'v str),
    Element(usize),
}

pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

impl<'p, 'v> Node<'p, 'v> {
    pub(crate) const fn root(value: &'v Value) -> Self {
        Self { value, step: Step::Root, parent: None }
    }

    /// A member that is there and not null: for the standard's optional members null is the same as absent.
    pub(crate) fn get(&'p self, name: &'static str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(self.child(value, Step::Member(name)))
    }

    /// A member that must be there.
    pub(crate) fn require(&'p self, name: &'static str) -> Result<Self> {
        self.object()?;
        self.get(name).ok_or_else(|| self.child(&Value::Null, Step::Member(name)).missing())
    }

    /// What `read` makes of a member, if it is there.
    pub(crate) fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Node<'_, 'v>) -> Result<T>,
    ) -> Result<Option<T>> {
        self.get(name).map(|member| read(&member)).transpose()
    }

    pub(crate) fn object(&self) -> Result<&'v Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.wrong_type("an object"))
    }

    /// Each member, null or not.
    pub(crate) fn members(&'p self) -> Result<impl Iterator<Item = (&'v str, Self)>> {
        Ok(self.object()?.iter().map(|(name, value)| (name.as_str(), self.child(value, Step::Member(name)))))
    }

    /// Each element of an array.
    pub(crate) fn elements(&'p self) -> Result<impl Iterator<Item = Self>> {
        let elements = self.value.as_array().ok_or_else(|| self.wrong_type("an array"))?;
        Ok(elements.iter().enumerate().map(|(i, value)| self.child(value, Step::Element(i))))
    }

    /// No members but `known` ones may be there.
    pub(crate) fn only(&self, known: &[&str]) -> Result<()> {
        match self.object()?.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(self.child(&Value::Null, Step::Member(name)).unknown()),
        }
    }

    /// A string of at most `max` characters.
    pub(crate) fn string(&self, max: usize) -> Result<&'v str> {
        let text = self.value.as_str().ok_or_else(|| self.wrong_type("a string"))?;
        // Characters are counted only where the bytes could be too many.
        let length = if text.len() > max { text.chars().count() } else { 0 };
        if length > max { Err(self.too_long("string", max, length)) } else { Ok(text) }
    }

    pub(crate) fn text(&self) -> Result<&'v str> {
        self.string(MAX_TEXT)
    }

    /// A string that is not empty.
    pub(crate) fn filled(&self, max: usize) -> Result<&'v str> {
        let text = self.string(max)?;
        if text.is_empty() { Err(self.empty("string")) } else { Ok(text) }
    }

    /// The name of a function or a format: `[a-zA-Z0-9_-]{1,64}`.
    pub(crate) fn name(&self) -> Result<&'v str> {
        let name = self.filled(MAX_NAME)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.bytes().all(allowed) { Ok(name) } else { Err(self.mismatch("^[a-zA-Z0-9_-]+$")) }
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong_type("a boolean"))
    }

    /// A whole number; JSON does not tell `16.0` from `16`.
    pub(crate) fn integer(&self, range: RangeInclusive<u64>) -> Result<u64> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let number = match self.value {
            Value::Number(number) => number,
            _ => return Err(self.wrong_type("an integer")),
        };
        let whole =
            number.as_f64().filter(|n| n.fract() == 0.0).ok_or_else(|| self.wrong_type("an integer"))?;
        let integer = number.as_u64().or_else(|| (0.0..=EXACT).contains(&whole).then_some(whole as u64));
        match integer {
            Some(integer) if range.contains(&integer) => Ok(integer),
            Some(integer) if integer < *range.start() => Err(self.below("integer", range.start(), integer)),
            _ if whole < 0.0 => Err(self.below("integer", range.start(), self.value)),
            _ => Err(self.above("integer", range.end(), self.value)),
        }
    }

    pub(crate) fn number(&self, range: RangeInclusive<f64>) -> Result<f64> {
        let number = self.value.as_f64().ok_or_else(|| self.wrong_type("a number"))?;
        if number > *range.end() {
            Err(self.above("decimal", range.end(), number))
        } else if number < *range.start() {
            Err(self.below("decimal", range.start(), number))
        } else {
            Ok(number)
        }
    }

    /// One of the strings that are `supported`.
    pub(crate) fn one_of(&self, supported: &[&'static str]) -> Result<&'static str> {
        let text = self.text()?;
        let found = supported.iter().find(|name| **name == text);
        found.copied().ok_or_else(|| self.unsupported_value(text, supported))
    }

    /// Where the value stands: `input[0].content[1].image_url`.
    pub(crate) fn path(&self) -> String {
        let mut path = self.parent.map(Node::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Member(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&shortened(name));
            }
            Step::Element(index) => {
                // Cannot fail: a string takes whatever is written.
                let _ = write!(path, "[{index}]");
            }
        }
        path
    }

    fn child(&'p self, value: &'v Value, step: Step<'v>) -> Self {
        Self { value, step, parent: Some(self) }
    }
}
