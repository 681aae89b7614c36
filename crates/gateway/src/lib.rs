//! The thin edge of Narthex.

mod config;

pub use config::{Config, Limits};
