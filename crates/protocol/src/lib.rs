//! What clients say and hear.
//!
//! Requests come in as JSON and leave as a [`Request`] that the rest of the system can trust; events come out of a stream
//! and leave as the bytes of a frame. All of it is functions from values to values: no I/O, no runtime, no clock.

mod error;
mod item;
mod request;
mod stored;
mod tool;
mod usage;

mod parse;

mod event;
mod output;
mod resource;

mod dialect;
mod members;
mod merge;
mod render;

mod chat;

mod close;
mod input_items;
mod rates;
mod secret;
mod steer;

pub mod compaction;
pub mod models;
pub mod session;
pub mod token;

pub use chat::{ChatCreate, ChatStream, chat_completion, chat_create, chat_error};
pub use close::CloseCode;
pub use dialect::Dialect;
pub use error::{ApiError, ErrorType};
pub use event::{Place, error_event, item_added, item_done, read_error};
pub use input_items::{Page, input_items};
pub use item::{Content, Item, Role, View};
pub use merge::{Merged, Merger, merge};
pub use output::{ItemStatus, compaction_item, function_call_item, message_item, reasoning_item};
pub use parse::{
    ClientMessage, ClientSecretWish, Compact, Create, MAX_CREDIT, Rejected, Resume, SessionUpdate,
    check_context, client_message, client_secret, compact, create, is_stream_id, steer_input,
};
pub use rates::{Limited, Rate, Rates};
pub use render::{SSE_DONE, event_json, sse_frame};
pub use request::{Reasoning, Request, TextFormat, TextOptions};
pub use resource::{Outcome, Shown, created, end, in_progress, lifecycle, resource_of};
pub use secret::Secret;
pub use steer::steer_failed;
pub use stored::{StoredInput, StoredResponse};
pub use tool::{ChoiceMode, FunctionTool, ToolChoice};
pub use usage::Usage;

#[cfg(test)]
mod tests;
