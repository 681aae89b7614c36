//! The file layer: TOML, flattened, with the line of each value.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    layer::{Layer, Origin},
    settings,
};
use crate::failure::Failure;

/// Reads the configuration file at `path`.
pub(crate) fn read(path: &Path) -> Result<Layer, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::configuration(format!(
            "cannot read the configuration file {name}: {error}; check the path given with --config or NARTHEX_CONFIG"
        ))
    })?;
    parse(&name, &text)
}

/// Flattens `text`; `name` is what complaints and origins call the file.
pub(super) fn parse(name: &str, text: &str) -> Result<Layer, Failure> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        Failure::configuration(format!("{name}:{line}: this is not valid TOML: {}", error.message()))
    })?;
    let mut flat = Flat { name, text, layer: Layer::default() };
    flat.table("", table.get_ref());
    Ok(flat.layer)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Flat<'a> {
    name: &'a str,
    text: &'a str,
    layer: Layer,
}

impl Flat<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            // The key's own line: that is where one looks for it, also when its value spans many.
            self.value(&join(prefix, key.get_ref()), key.span().start, value);
        }
    }

    fn value(&mut self, key: &str, offset: usize, value: &Spanned<DeValue<'_>>) {
        let text = match value.get_ref() {
            DeValue::Table(table) => return self.table(key, table),
            DeValue::Array(array) if settings::is_list(key) => {
                let texts: Option<Vec<_>> = array.iter().map(|element| element.get_ref().as_str()).collect();
                // What is no text is no entry of any list.
                texts.map_or_else(
                    || self.text.get(value.span()).unwrap_or_default().to_owned(),
                    |t| t.join(","),
                )
            }
            DeValue::Array(array) if !array.is_empty() => {
                for (index, element) in array.iter().enumerate() {
                    self.value(&join(key, &index.to_string()), element.span().start, element);
                }
                return;
            }
            DeValue::Array(_) => "[]".to_owned(),
            DeValue::String(text) => text.clone().into_owned(),
            // Decimal, whatever the file counts in: then one parser per type is enough.
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => number.to_string(),
                Err(_) => number.to_string(),
            },
            DeValue::Float(_) | DeValue::Datetime(_) => {
                self.text.get(value.span()).unwrap_or_default().to_owned()
            }
            DeValue::Boolean(yes) => yes.to_string(),
        };
        let origin = Origin::File { path: self.name.to_owned(), line: line_of(self.text, offset) };
        self.layer.give(key, text, origin);
    }
}

fn join(prefix: &str, segment: &str) -> String {
    if prefix.is_empty() { segment.to_owned() } else { format!("{prefix}.{segment}") }
}
