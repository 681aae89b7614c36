//! The output guard: takes out of streamed text what must not reach a screen, however the text is cut into pieces.
//!
//! A [`Guard`] is a chain of two: first control, bidirectional and invisible characters and terminal escapes are taken out,
//! then patterns (secrets, card numbers, an operator's own) are masked, or end the text. A [`Filter`] applies it to one
//! text: pieces go in, and what comes out adds up to what the whole text would have become at once. It holds back the
//! shortest end that may still be a part of a match, which is never longer than [`Guard::max_held`]; time is linear in
//! the text. A [`JsonFilter`] does the same inside of JSON, and what was valid JSON stays so.
//!
//! Pure: it knows nothing of models, streams or time.

mod config;
mod error;
mod guard;

mod filter;
mod json;

mod screen;

mod built_in;
mod hold;
mod matcher;
mod pattern;
mod pieces;

pub use config::{Action, Config, PatternConfig, Treatment};
pub use error::{ConfigError, Needs};
pub use filter::{Filter, Found};
pub use guard::{Effect, Guard, Rule};
pub use json::JsonFilter;

#[cfg(test)]
mod tests;
