//! The stateless producer of Narthex.

mod config;

pub use config::{Config, Continuation, ModelConfig, Timeouts};
