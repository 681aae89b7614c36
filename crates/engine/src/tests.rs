//! What the tests of all engines begin with.

use protocol::{Item, Request, Role};

/// A request of one user message, with nothing set.
pub(crate) fn request() -> Request {
    Request { input: vec![Item::message(Role::User, "hello")], ..Request::new("m") }
}
