//! Function calls, put together from however a server tells of them.
//!
//! As the protocol has it, a call begins with a piece that has an index, an id and the name, and pieces of arguments follow
//! under the same index. Servers differ: they send a call whole; all calls under index 0, or under none; an empty id, the
//! same id in every piece, or none; the name in pieces, or again and again; arguments as an object. A call is told once its
//! name is whole, which is when its arguments begin, another call begins or the model stops.

use std::{borrow::Cow, collections::VecDeque};

use super::chunk::CallPiece;
use crate::{Error, Output, text::Text, upstream::garbled};

/// One answer may make so many calls; a server that makes more has gone wrong.
const MAX_CALLS: usize = 128;
/// The standard's bound on a function's name is 64.
const MAX_NAME: usize = 256;

/// The calls of one answer.
#[derive(Debug, Default)]
pub(super) struct Calls {
    list: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: String,
    name: String,
    /// Whether the client was told of it.
    is_told: bool,
    arguments: Nesting,
}

impl Calls {
    /// Takes one piece.
    pub(super) fn piece(&mut self, piece: &CallPiece<'_>, out: &mut VecDeque<Output>) -> Result<(), Error> {
        let id = piece.id.as_ref().map_or("", |id| &id.0);
        let function = piece.function.as_ref();
        let name = function.and_then(|function| function.name.as_ref()).map_or("", |name| &name.0);
        let arguments = match function.and_then(|function| function.arguments) {
            Some(raw) => text_of(raw.get())?,
            None => Cow::Borrowed(""),
        };
        let at = match self.find(piece.index, id, name) {
            Some(at) => at,
            None => self.begin(piece.index, id, out)?,
        };
        let call = &mut self.list[at];
        if !call.is_told && call.name != name {
            call.name.push_str(name);
        }
        if call.name.len() > MAX_NAME {
            return Err(garbled("the name of a function is too long"));
        }
        if !arguments.is_empty() {
            call.tell(at, out);
            call.arguments.follow(&arguments);
            out.push_back(Output::Arguments { index: at as u32, text: arguments.as_ref().into() });
        }
        Ok(())
    }

    /// The model makes no more calls: tells of those that have no arguments.
    pub(super) fn end(&mut self, out: &mut VecDeque<Output>) {
        for (at, call) in self.list.iter_mut().enumerate().filter(|(_, call)| !call.is_told) {
            call.tell(at, out);
            // Arguments are JSON, and nothing at all is none.
            out.push_back(Output::Arguments { index: at as u32, text: "{}".into() });
        }
    }

    /// The call that a piece belongs to, or `None` if it begins one.
    fn find(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        if !id.is_empty()
            && let Some(at) = self.list.iter().rposition(|call| call.id == id && call.index == index)
        {
            return Some(at);
        }
        let at = match index {
            Some(_) => self.list.iter().rposition(|call| call.index == index)?,
            None => self.list.len().checked_sub(1)?,
        };
        let call = &self.list[at];
        // The id is another's, or a name comes after a whole call: the server counts them all as one. Where nothing is
        // counted, calls come whole, each with its name.
        let has_other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
        let follows_whole_call = !name.is_empty() && call.arguments.is_whole();
        let is_named_anew = index.is_none() && !name.is_empty();
        (!has_other_id && !follows_whole_call && !is_named_anew).then_some(at)
    }

    fn begin(&mut self, index: Option<u64>, id: &str, out: &mut VecDeque<Output>) -> Result<usize, Error> {
        if self.list.len() == MAX_CALLS {
            return Err(garbled(format!("more than {MAX_CALLS} calls in one answer")));
        }
        self.end(out);
        let call = Call {
            index,
            id: id.to_owned(),
            name: String::new(),
            is_told: false,
            arguments: Nesting::default(),
        };
        self.list.push(call);
        Ok(self.list.len() - 1)
    }
}

impl Call {
    fn tell(&mut self, at: usize, out: &mut VecDeque<Output>) {
        if !self.is_told {
            self.is_told = true;
            let call_id = if self.id.is_empty() { new_id() } else { self.id.clone() };
            out.push_back(Output::Call { index: at as u32, call_id, name: self.name.clone() });
        }
    }
}

/// An id for a call that has none from its server. It must differ from those of all earlier turns of the conversation.
fn new_id() -> String {
    let mut random = [0; 12];
    // Without randomness the ids of calls still differ from most others, and nothing of safety rests on them.
    let _ = getrandom::fill(&mut random);
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("call_{digits}")
}

/// The text of arguments: a string of JSON, or the JSON itself.
fn text_of(raw: &str) -> Result<Cow<'_, str>, Error> {
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<Text<'_>>(raw)
            .map(|text| text.0)
            .map_err(|error| garbled(error.to_string())),
        _ if raw == "null" => Ok(Cow::Borrowed("")),
        _ => Ok(Cow::Borrowed(raw)),
    }
}

/// Follows JSON through its pieces, just far enough to see when an object is whole.
#[derive(Debug, Default)]
struct Nesting {
    depth: u32,
    has_begun: bool,
    in_string: bool,
    after_backslash: bool,
}

impl Nesting {
    fn follow(&mut self, text: &str) {
        for byte in text.bytes() {
            match (self.in_string, byte) {
                (true, _) if self.after_backslash => self.after_backslash = false,
                (true, b'\\') => self.after_backslash = true,
                (_, b'"') => self.in_string = !self.in_string,
                (false, b'{' | b'[') => {
                    self.depth += 1;
                    self.has_begun = true;
                }
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    const fn is_whole(&self) -> bool {
        self.has_begun && self.depth == 0
    }
}
