//! A small value that follows a JSON Schema.
//!
//! It follows the keywords that structured outputs and tools use: types, `enum`, `const`, `required`, `properties`, `items`,
//! bounds, `format`, `anyOf`, `oneOf`, `allOf` and references within the schema. `pattern` is beyond it.

use std::collections::HashSet;

use serde_json::{Map, Number, Value, json};

/// Schemas may refer to themselves; deeper down only what must be there is made.
const MAX_DEPTH: usize = 8;
/// So many values are made, and null in place of each one more: a schema can ask for a thousand of a thousand.
const MAX_VALUES: usize = 2_000;

/// What a question gives to fill in.
#[derive(Debug, Default)]
pub(super) struct Hints {
    question: String,
    place: String,
    numbers: Vec<f64>,
    quoted: Option<String>,
}

impl Hints {
    pub(super) fn new(question: &str, place: Option<&str>) -> Self {
        let bare = |word: &str| word.trim_matches(|c: char| !c.is_ascii_digit() && c != '-').parse().ok();
        let mut numbers: Vec<f64> = question.split_whitespace().filter_map(bare).collect();
        // They are taken from the end, so that the first is first.
        numbers.reverse();
        let quoted = question.split(['"', '\'']).nth(1).map(str::to_owned);
        Self { question: question.to_owned(), place: place.unwrap_or("Athens").to_owned(), numbers, quoted }
    }

    fn text(&self, name: &str) -> String {
        let name = name.to_lowercase();
        if self.question.is_empty() {
            let name = name.replace(['_', '-'], " ");
            return if name.is_empty() { "An example.".to_owned() } else { format!("An example of {name}.") };
        }
        if is_place(&name) {
            return self.place.clone();
        }
        self.quoted.clone().unwrap_or_else(|| self.question.clone())
    }
}

/// Whether a parameter of this name is a place.
pub(super) fn is_place(name: &str) -> bool {
    let name = name.to_lowercase();
    ["city", "location", "place", "town", "country", "destination"].iter().any(|place| name.contains(place))
}

/// A value that follows `schema`.
pub(super) fn example(schema: &Value) -> Value {
    Maker::new(schema, &mut Hints::default()).value(schema, "", 0)
}

/// Arguments for a function with these parameters; an object in any case.
pub(super) fn arguments(parameters: &Value, hints: &mut Hints) -> Value {
    match Maker::new(parameters, hints).value(parameters, "", 0) {
        Value::Object(arguments) => arguments.into(),
        _ => json!({}),
    }
}

struct Maker<'a> {
    root: &'a Value,
    hints: &'a mut Hints,
    values_left: usize,
}

impl<'a> Maker<'a> {
    const fn new(root: &'a Value, hints: &'a mut Hints) -> Self {
        Self { root, hints, values_left: MAX_VALUES }
    }

    fn value(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > MAX_DEPTH || self.values_left == 0 {
            return Value::Null;
        }
        self.values_left -= 1;
        if let Some(target) = schema["$ref"].as_str() {
            let root = self.root;
            let target = root.pointer(target.trim_start_matches('#')).unwrap_or(&Value::Null);
            return self.value(target, name, depth + 1);
        }
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            return self.choice(choices, name, depth);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.all(schema, parts, name, depth);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" | "number" => self.number(schema),
            "boolean" => true.into(),
            "null" => Value::Null,
            _ => self.string(schema, name),
        }
    }

    /// The first choice; deep down the one that ends soonest.
    fn choice(&mut self, choices: &[Value], name: &str, depth: usize) -> Value {
        let is_null = |choice: &&Value| choice["type"] == "null";
        let end = choices.iter().find(is_null).filter(|_| depth >= MAX_DEPTH / 2);
        let first = choices.iter().find(|choice| !is_null(choice));
        self.value(end.or(first).unwrap_or(&Value::Null), name, depth + 1)
    }

    /// What all parts, and the schema beside them, ask for; those that make objects add to one another.
    fn all(&mut self, schema: &Value, parts: &[Value], name: &str, depth: usize) -> Value {
        let Value::Object(mut members) = self.object(schema, depth) else { return Value::Null };
        let mut other = Value::Null;
        for part in parts {
            match self.value(part, name, depth + 1) {
                Value::Object(more) => members.extend(more),
                value => other = value,
            }
        }
        if members.is_empty() { other } else { members.into() }
    }

    /// The required members, or all of them where none is said to be required.
    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let nothing = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&nothing);
        let required: Option<HashSet<&str>> =
            schema["required"].as_array().map(|names| names.iter().filter_map(Value::as_str).collect());
        properties
            .iter()
            .filter(|(name, _)| match &required {
                Some(required) => required.contains(name.as_str()),
                None => depth < MAX_DEPTH / 2,
            })
            .map(|(name, property)| (name.clone(), self.value(property, name, depth + 1)))
            .collect::<Map<_, _>>()
            .into()
    }

    fn array(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(first) = schema["prefixItems"].as_array() {
            return first.iter().map(|item| self.value(item, name, depth + 1)).collect();
        }
        let usual = u64::from(depth < MAX_DEPTH / 2);
        let least = schema["minItems"].as_u64().unwrap_or(0);
        let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
        let count = usual.max(least).min(most).min(MAX_VALUES as u64);
        (0..count).map(|_| self.value(&schema["items"], name, depth + 1)).collect()
    }

    fn number(&mut self, schema: &Value) -> Value {
        let is_integer = kind(schema) == "integer";
        let step = schema["multipleOf"].as_f64().filter(|step| *step > 0.0).unwrap_or(if is_integer {
            1.0
        } else {
            0.0
        });
        let above = schema["exclusiveMinimum"].as_f64().map(|bound| bound + step.max(0.5));
        let below = schema["exclusiveMaximum"].as_f64().map(|bound| bound - step.max(0.5));
        let least = schema["minimum"].as_f64().or(above).unwrap_or(f64::MIN);
        let most = schema["maximum"].as_f64().or(below).unwrap_or(f64::MAX);
        let wanted = self.hints.numbers.pop().unwrap_or(1.0);
        let mut number = wanted.max(least).min(most);
        if step > 0.0 {
            // Upwards to the next step, unless that is too far.
            let next = (number / step).ceil() * step;
            number = if next > most { (number / step).floor() * step } else { next };
        }
        if number.fract() == 0.0 && number.abs() < 9e15 {
            return (number as i64).into();
        }
        Number::from_f64(number).map_or(Value::Null, Value::Number)
    }

    fn string(&mut self, schema: &Value, name: &str) -> Value {
        let text = match schema["format"].as_str() {
            Some("date-time") => "2026-01-01T12:00:00Z".to_owned(),
            Some("date") => "2026-01-01".to_owned(),
            Some("time") => "12:00:00Z".to_owned(),
            Some("duration") => "PT1H".to_owned(),
            Some("email") => "somebody@example.com".to_owned(),
            Some("hostname") => "example.com".to_owned(),
            Some("uri") => "https://example.com/".to_owned(),
            Some("uuid") => "6f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b".to_owned(),
            Some("ipv4") => "192.0.2.1".to_owned(),
            Some("ipv6") => "2001:db8::1".to_owned(),
            _ => self.hints.text(name),
        };
        let least = schema["minLength"].as_u64().unwrap_or(0).min(10_000) as usize;
        let most = schema["maxLength"].as_u64().map_or(usize::MAX, |most| most as usize);
        let padding = ".".repeat(least.saturating_sub(text.chars().count()));
        text.chars().chain(padding.chars()).take(most).collect::<String>().into()
    }
}

/// The type that a schema asks for; of several, the first that is not null.
fn kind(schema: &Value) -> &str {
    let named = match &schema["type"] {
        Value::String(kind) => Some(kind.as_str()),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        _ => None,
    };
    named.unwrap_or(if schema.get("properties").is_some() {
        "object"
    } else if schema.get("items").is_some() {
        "array"
    } else {
        "string"
    })
}
