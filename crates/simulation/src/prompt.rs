//! What the simulated model says, as a function of what it is asked: so everybody knows what a client has to get.

use std::{fmt, str::FromStr};

use serde_json::{Value, json};

/// What a client asks for. Its text form is the whole input of a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Prompt {
    pub(crate) kind: Kind,
    /// How many pieces the answer comes in.
    pub(crate) pieces: u64,
    /// Makes each request's text another one. No two tokens of a run are alike.
    pub(crate) number: u64,
}

/// What the answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// Reasoning, then text.
    Reasoned,
    /// A JSON text: never carried on from a prefix.
    Json,
    /// The arguments of a function call.
    Call,
}

/// An item of the answer: its type on the wire, and the pieces of its text.
pub(crate) type Item = (&'static str, Vec<String>);

impl Prompt {
    /// The whole answer.
    pub(crate) fn answer(&self) -> Vec<Item> {
        let number = self.number;
        let words = |mark: &str, count: u64| -> Vec<String> {
            (0..count).map(|at| format!("{mark}{number}.{at} ")).collect()
        };
        match self.kind {
            Kind::Text => vec![("message", words("", self.pieces))],
            Kind::Reasoned => {
                vec![("reasoning", words("r", self.pieces / 2 + 1)), ("message", words("", self.pieces))]
            }
            Kind::Json => vec![("message", self.json_pieces())],
            Kind::Call => vec![("function_call", self.json_pieces())],
        }
    }

    fn json_pieces(&self) -> Vec<String> {
        let number = self.number;
        let members = (0..self.pieces).map(|at| format!("\"k{at}\":{number}"));
        let mut pieces: Vec<String> = members.flat_map(|member| [member, ",".to_owned()]).collect();
        pieces.pop();
        pieces.insert(0, "{".to_owned());
        pieces.push("}".to_owned());
        pieces
    }

    /// Whether a model that can carry on a prefix may do so here.
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Reasoned)
    }

    /// The members of the request that asks for it.
    pub(crate) fn request(&self) -> Value {
        let mut request = json!({ "input": self.to_string() });
        match self.kind {
            Kind::Text | Kind::Reasoned => {}
            Kind::Json => request["text"] = json!({ "format": { "type": "json_object" } }),
            Kind::Call => {
                request["tools"] =
                    json!([{ "type": "function", "name": "act", "parameters": { "type": "object" } }]);
            }
        }
        request
    }
}

impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Text => "text",
            Kind::Reasoned => "reasoned",
            Kind::Json => "json",
            Kind::Call => "call",
        };
        write!(f, "{kind} {} {}", self.pieces, self.number)
    }
}

impl FromStr for Prompt {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ');
        let kind = match words.next() {
            Some("text") => Kind::Text,
            Some("reasoned") => Kind::Reasoned,
            Some("json") => Kind::Json,
            Some("call") => Kind::Call,
            _ => return Err(()),
        };
        let mut number = || words.next().and_then(|word| word.parse().ok()).ok_or(());
        Ok(Self { kind, pieces: number()?, number: number()? })
    }
}

/// The prompt of a request.
pub(crate) fn of_request(request: &protocol::Request) -> Option<Prompt> {
    let text = match request.input.last()?.view()? {
        protocol::View::Message { content, .. } => content.text(),
        _ => return None,
    };
    text.parse().ok()
}
