//! Values in, values out.

mod arbitrary;
mod chat_answers;
mod chat_requests;
mod context;
mod input_items;
mod merge;
mod parse;
mod refusals;
mod render;
mod resource;
mod session;
mod small;
mod socket;

use stream::{Delta, DeltaKind, Event, ResponseId};

use crate::{Item, Request, Role};

pub(crate) const ID: ResponseId = ResponseId::from_parts(7, 0x0123_4567_89ab_cdef);

/// The smallest request that can be.
pub(crate) fn request() -> Request {
    Request { input: vec![Item::message(Role::User, "Hello")], ..Request::new("demo") }
}

pub(crate) fn text(text: &str) -> Event {
    delta(DeltaKind::OutputText, 0, 0, text)
}

pub(crate) fn delta(kind: DeltaKind, output_index: u32, part_index: u32, text: &str) -> Event {
    Event::Delta(Delta { kind, output_index, part_index, text: text.into(), logprobs: None })
}
