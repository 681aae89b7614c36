//! What a worker asks of a model server.
//!
//! An [`Engine`] turns a [`protocol::Request`] into a stream of [`Output`]s: the smallest vocabulary in which all model
//! servers can be told. It knows nothing of streams, epochs, brokers or clients.
//!
//! There are three: [`ChatEngine`] for every server with `/v1/chat/completions`, [`ResponsesEngine`] for those with
//! `/v1/responses`, and [`DemoEngine`], which is built in and needs no server.

mod error;
mod output;

mod logprobs;
mod mask;
mod text;
mod upstream;

mod chat;
mod demo;
mod responses;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use protocol::Request;
use stream::TraceContext;

pub use chat::{ChatConfig, ChatEngine, MaxTokensField, PrefillStyle};
pub use demo::{DemoConfig, DemoEngine};
pub use error::{Error, Fault};
pub use outbound::Tls;
pub use output::{Finish, Output};
pub use protocol::{Secret, Usage};
pub use responses::ResponsesEngine;
pub use upstream::{ConfigError, UpstreamConfig};

/// The output of one call, in order; it ends after [`Output::Finish`] or an error. Dropping it aborts the call at the
/// model server.
///
/// Who reads it to its end (`None` comes at most 100 ms after [`Output::Finish`], and nearly always at once) leaves the connection to the
/// next call; who drops it right after the finish has it closed.
pub type Outputs = BoxStream<'static, Result<Output, Error>>;

/// A way to reach a model.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Begins to produce the answer to `call`, and returns once the model server has accepted it.
    async fn generate(&self, call: Call) -> Result<Outputs, Error>;

    /// The models that the server offers now, or `None` if it cannot tell.
    async fn models(&self) -> Result<Option<Vec<String>>, Error>;

    /// Which server it calls, for metrics: its host, port and path, without a secret. Empty if it calls none.
    fn server(&self) -> &str {
        ""
    }
}

/// One call of a model.
#[derive(Debug, Clone)]
pub struct Call {
    /// What to produce.
    pub request: Arc<Request>,
    /// The text that was told already, for the model to carry on: only for engines that
    /// can (`continuation = "prefill"`), and never for JSON or calls in progress.
    pub prefix: Option<String>,
    /// The span of the call, to hand on to the model server.
    pub trace: Option<TraceContext>,
}

#[cfg(test)]
mod tests;
