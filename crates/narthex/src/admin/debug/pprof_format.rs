//! The format of `go tool pprof`: `profile.proto` of github.com/google/pprof, as far as it is needed here.

use std::collections::HashMap;

use prost::Message;

use super::stacks::Stacks;

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    /// All texts; others name them by their place here. The first is empty.
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    r#type: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    /// From the innermost function to the outermost.
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

pub(super) fn encode(stacks: &Stacks) -> Vec<u8> {
    let mut texts = Texts::default();
    texts.place("");
    let sample_type =
        stacks.measures.map(|(what, unit)| ValueType { r#type: texts.place(what), unit: texts.place(unit) });
    let mut functions = HashMap::new();
    let sample = stacks.all.iter().map(|(stack, figures)| {
        let mut id = |name: &String| {
            let next = functions.len() as u64 + 1;
            *functions.entry(texts.place(name)).or_insert(next)
        };
        let location_id = stack.iter().rev().map(&mut id).collect();
        Sample { location_id, value: figures.to_vec() }
    });
    let sample = sample.collect();
    // Each function is one location: where in it does not matter.
    let function = functions.iter().map(|(name, id)| Function { id: *id, name: *name }).collect();
    let location =
        functions.values().map(|id| Location { id: *id, line: vec![Line { function_id: *id }] }).collect();
    let profile = Profile {
        sample_type: sample_type.to_vec(),
        sample,
        location,
        function,
        string_table: texts.all,
        duration_nanos: stacks.duration.as_nanos() as i64,
        period_type: Some(sample_type[1]),
        period: stacks.period,
    };
    profile.encode_to_vec()
}

/// Each text once.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    places: HashMap<String, i64>,
}

impl Texts {
    fn place(&mut self, text: &str) -> i64 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.all.len() as i64;
        self.all.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}
