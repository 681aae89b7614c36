//! What a setting can hold: how each type is read from text, written, and described to a person.

mod plain;

use std::str::FromStr;

use super::units;

/// Something that one setting can hold.
///
/// Every layer gives text: environment variables and flags have nothing else, and a file's numbers and booleans
/// say the same as text. So there is one parser per type, and one kind of complaint.
pub(crate) trait Value {
    /// Takes the value from `text`, or says what it should have been: a phrase that fits after "expected".
    fn set(&mut self, text: &str) -> Result<(), String>;

    /// The value as TOML, or nothing if none is set. A secret shows its mask.
    fn show(&self) -> Option<toml::Value>;

    /// What to write, in a few words.
    fn form(&self) -> String;

    /// The same in a word or two, for a table.
    fn kind(&self) -> String {
        self.form()
    }

    /// Whether it is nothing: see [`above_zero`].
    fn is_zero(&self) -> bool {
        false
    }

    /// Whether it must never stand on a command line.
    fn is_secret(&self) -> bool {
        false
    }

    /// Whether it is a list of texts without commas: a file may write it as an array, everything else with commas.
    fn is_list(&self) -> bool {
        false
    }

    /// `text`, as far as it may be repeated in a complaint.
    fn quote(&self, text: &str) -> String {
        format!("{text:?}")
    }
}

/// The place of a value, of whatever type.
pub(super) type Slot<'a> = Box<dyn Value + 'a>;

/// A value as it is.
pub(super) fn at<T: Value>(place: &mut T) -> Slot<'_> {
    Box::new(At(place))
}

/// A number of bytes.
pub(super) fn size(place: &mut usize) -> Slot<'_> {
    Box::new(Size { place, min: 1 })
}

/// A number of bytes, or none.
pub(super) fn size_or_zero(place: &mut usize) -> Slot<'_> {
    Box::new(Size { place, min: 0 })
}

/// A value that zero would make senseless.
pub(super) fn above_zero<T: Value + Clone>(place: &mut T) -> Slot<'_> {
    Box::new(Positive(place))
}

/// Someone else's value, where it stands.
struct At<'a, T>(&'a mut T);

impl<T: Value> Value for At<'_, T> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        self.0.set(text)
    }

    fn show(&self) -> Option<toml::Value> {
        self.0.show()
    }

    fn form(&self) -> String {
        self.0.form()
    }

    fn kind(&self) -> String {
        self.0.kind()
    }

    fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    fn is_secret(&self) -> bool {
        self.0.is_secret()
    }

    fn is_list(&self) -> bool {
        self.0.is_list()
    }

    fn quote(&self, text: &str) -> String {
        self.0.quote(text)
    }
}

/// Puts a parsed value in its place, or passes the type's form on as the complaint.
fn put<T: Value>(place: &mut T, parsed: Option<T>) -> Result<(), String> {
    match parsed {
        Some(value) => {
            *place = value;
            Ok(())
        }
        None => Err(place.form()),
    }
}

/// What a list holds.
pub(crate) trait Entry: FromStr + ToString {
    /// What to write for one, in a few words.
    const FORM: &'static str;
    /// The same for the whole list, in a word or two.
    const KIND: &'static str;
}

impl<T: Entry> Value for Vec<T> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty() && *entry != "[]");
        put(self, entries.map(|entry| entry.parse().ok()).collect())
    }

    fn show(&self) -> Option<toml::Value> {
        let entries = self.iter().map(|entry| entry.to_string().into());
        Some(toml::Value::Array(entries.collect()))
    }

    fn form(&self) -> String {
        format!("a list of {}", T::FORM)
    }

    fn kind(&self) -> String {
        T::KIND.to_owned()
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }

    fn is_list(&self) -> bool {
        true
    }
}

impl<T: Value + Default> Value for Option<T> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let mut value = T::default();
        value.set(text)?;
        *self = Some(value);
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        self.as_ref().and_then(Value::show)
    }

    fn form(&self) -> String {
        T::default().form()
    }

    fn kind(&self) -> String {
        T::default().kind()
    }

    fn is_zero(&self) -> bool {
        self.as_ref().is_some_and(Value::is_zero)
    }

    fn quote(&self, text: &str) -> String {
        T::default().quote(text)
    }
}

/// A number of bytes.
struct Size<'a> {
    place: &'a mut usize,
    min: usize,
}

impl Value for Size<'_> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let bytes = units::read_size(text).filter(|bytes| *bytes >= self.min);
        *self.place = bytes.ok_or_else(|| self.form())?;
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(units::write_size(*self.place).into())
    }

    fn form(&self) -> String {
        match self.min {
            0 => "a size, such as `64KiB` or `1MiB`".to_owned(),
            _ => "a size above zero, such as `64KiB` or `1MiB`".to_owned(),
        }
    }

    fn kind(&self) -> String {
        "size".to_owned()
    }
}

/// A value that zero would make senseless.
struct Positive<'a, T>(&'a mut T);

impl<T: Value + Clone> Value for Positive<'_, T> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        let mut value = self.0.clone();
        value.set(text).map_err(|_| self.form())?;
        if value.is_zero() {
            return Err(self.form());
        }
        *self.0 = value;
        Ok(())
    }

    fn show(&self) -> Option<toml::Value> {
        self.0.show()
    }

    fn form(&self) -> String {
        format!("{}, above zero", self.0.form())
    }

    fn kind(&self) -> String {
        self.0.kind()
    }
}

/// A value that is one of a few words.
pub(crate) trait Choice: Copy + PartialEq + 'static {
    /// The words and what they mean.
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Choice> Value for T {
    fn set(&mut self, text: &str) -> Result<(), String> {
        put(self, T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, value)| *value))
    }

    fn show(&self) -> Option<toml::Value> {
        T::WORDS.iter().find(|(_, value)| value == self).map(|(word, _)| (*word).into())
    }

    fn form(&self) -> String {
        let words: Vec<_> = T::WORDS.iter().map(|(word, _)| format!("`{word}`")).collect();
        match words.as_slice() {
            [one] => one.clone(),
            [most @ .., last] => format!("{} or {last}", most.join(", ")),
            [] => String::new(),
        }
    }
}
