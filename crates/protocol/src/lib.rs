//! What clients say and hear.
//!
//! Requests come in as JSON and leave as a [`Request`] that the rest of the system can trust; events come out of a stream
//! and leave as the bytes of a frame. All of it is functions from values to values: no I/O, no runtime, no clock.

mod error;
mod item;
mod request;
mod tool;
mod usage;

pub use error::{ApiError, ErrorType};
pub use item::{Content, Item, Role, View};
pub use request::{Reasoning, Request, TextFormat, TextOptions};
pub use tool::{ChoiceMode, FunctionTool, ToolChoice};
pub use usage::Usage;
