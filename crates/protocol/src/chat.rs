//! Chat Completions: the older form of the same conversation, for every client that speaks nothing else.
//!
//! A request becomes a [`Request`](crate::Request) like any other, so that everything behind the gateway knows one form only;
//! what that form has no place for travels in its `extra`, and on the items, as it was sent. The answer is the same stream
//! of events, told in chunks.

mod completion;
mod finish;
mod messages;
mod parts;
mod request;
mod stream;

pub use completion::{chat_completion, chat_error};
pub use request::{ChatCreate, chat_create};
pub use stream::ChatStream;
