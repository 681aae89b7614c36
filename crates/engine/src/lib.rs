//! What a worker asks of a model server.
//!
//! An [`Engine`] turns a [`protocol::Request`] into a stream of [`Output`]s: the smallest vocabulary in which all model
//! servers can be told. It knows nothing of streams, epochs, brokers or clients.

mod error;
mod output;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use protocol::Request;

pub use error::{Error, Fault};
pub use output::{Finish, Output};
pub use protocol::Usage;

/// The output of one call, in order; it ends after [`Output::Finish`] or an error. Dropping it aborts the call at the
/// model server.
pub type Outputs = BoxStream<'static, Result<Output, Error>>;

/// A way to reach a model.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Begins to produce the answer to `call`, and returns once the model server has accepted it.
    async fn generate(&self, call: Call) -> Result<Outputs, Error>;

    /// The models that the server offers now, or `None` if it cannot tell.
    async fn models(&self) -> Result<Option<Vec<String>>, Error>;
}

/// One call of a model.
#[derive(Debug, Clone)]
pub struct Call {
    /// What to produce.
    pub request: Arc<Request>,
    /// The text that was told already, for the model to carry on: only for engines that
    /// can (`continuation = "prefill"`), and never for JSON or calls in progress.
    pub prefix: Option<String>,
    /// W3C trace context to hand on; empty if there is none.
    pub traceparent: String,
}
