//! The list of what is measured.

use std::fmt;

use crate::cases::{deliver, log, parse, produce, record, render, upstream};

/// How many events one run of a case does its work for.
pub const EVENTS: u64 = 256;

/// Does a case's work once, for [`EVENTS`] events.
pub(crate) type Run = Box<dyn FnMut()>;

/// One hot spot.
pub struct Case {
    /// Its name, here and in the baseline.
    pub name: &'static str,
    /// Makes all that the work needs beforehand.
    prepare: fn() -> Run,
}

/// All of them, in the order in which an event passes them.
pub const CASES: &[Case] = &[
    case("parse_create", parse::create),
    case("upstream_chunk", upstream::chunk),
    case("produce", produce::paced),
    case("produce_burst", produce::burst),
    case("record_encode", record::encode),
    case("log_append", log::append),
    case("log_read", log::read),
    case("record_decode", record::decode),
    case("render_sse", render::sse),
    case("render_websocket", render::websocket),
    case("render_messagepack", render::messagepack),
    case("render_protobuf", render::protobuf),
    case("deliver_sse", deliver::sse),
    case("deliver_websocket", deliver::websocket),
    case("deliver_burst", deliver::burst),
    case("respond", deliver::responses),
];

const fn case(name: &'static str, prepare: fn() -> Run) -> Case {
    Case { name, prepare }
}

impl Case {
    /// The case with this name.
    pub fn of(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// All that the work needs is made now; each call of what is returned does it for [`EVENTS`] events.
    pub fn prepare(&self) -> impl FnMut() + use<> {
        (self.prepare)()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}
