//! What clients send, read once and completely.
//!
//! Bytes become JSON under a bound of depth ([`json`]); a reader that knows where it stands ([`node`]) checks every member
//! against the standard, so that an error names the parameter; what comes out is a [`Request`](crate::Request) that nobody
//! has to check again. Members that the standard does not name are neither refused nor dropped: the standard lets
//! implementors extend it, and the model server may know them. Only what the gateway itself would have to carry out,
//! and does not, is refused by name.

mod client_secret;
pub(crate) mod content;
mod context;
mod create;
pub(crate) mod envelope;
mod input;
pub(crate) mod json;
pub(crate) mod node;
pub(crate) mod options;
mod socket;
pub(crate) mod tools;
pub(crate) mod wording;

pub use client_secret::{ClientSecretWish, client_secret};
pub use context::check_context;
pub use create::{Compact, Create, compact, create};
pub use envelope::is_stream_id;
pub(crate) use socket::client_value;
pub use socket::{ClientMessage, MAX_CREDIT, Rejected, Resume, SessionUpdate, client_message, steer_input};
