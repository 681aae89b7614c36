//! The engine for servers with `/v1/responses`: the standard on both sides.
//!
//! The request goes through as it is, items included: the server knows their members better than we do. Three things differ.
//! The conversation is always whole and `store` is `false`, because the state is ours. A compaction that was made here becomes
//! a message with its summary. The text to carry on is an assistant message at the end, which servers may or may not
//! continue: the standard does not say.
//!
//! Of the stream, what has a form in [`Output`](crate::Output) comes through: annotations, `phase` and encrypted reasoning do
//! not.

mod event;
mod request;
mod stream;

use async_trait::async_trait;
use futures_util::StreamExt;

use crate::{
    Call, Engine, Error, Outputs,
    upstream::{ConfigError, Upstream, UpstreamConfig},
};

/// A server of Open Responses.
pub struct ResponsesEngine {
    upstream: Upstream,
}

impl ResponsesEngine {
    /// An engine for the server that `config` names. Nothing is sent before the first call.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(config: &UpstreamConfig) -> Result<Self, ConfigError> {
        Ok(Self { upstream: Upstream::new(config)? })
    }
}

#[async_trait]
impl Engine for ResponsesEngine {
    async fn generate(&self, call: Call) -> Result<Outputs, Error> {
        let body = request::body(&call.request, call.prefix.as_deref())?;
        let stream = stream::ResponsesStream::default();
        Ok(self.upstream.stream("/responses", &body, call.trace.as_ref(), stream).await?.boxed())
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        self.upstream.models().await
    }

    fn server(&self) -> &str {
        self.upstream.server()
    }
}

#[cfg(test)]
mod tests;
