//! What a worker does with a stream that it has just opened: the rules of taking over.
//!
//! Where nothing was shown yet, it starts (again). Where text was shown, it carries on from that text if the model server
//! can continue a prefix and the text is plain; JSON and calls in progress would be corrupted by a prefix. Otherwise the
//! response fails with a clear code: never garbled, never twice.

use protocol::{ApiError, Request, TextFormat};

use crate::{Continuation, composer::Composer};

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Produce the response from its beginning.
    Start,
    /// Produce what follows on this text.
    Continue {
        /// The text that was shown.
        prefix: String,
    },
    /// It cannot be produced any more.
    Fail(ApiError),
}

impl Plan {
    /// What to do with the stream that `composer` has seen.
    pub(crate) fn make(composer: &mut Composer, request: &Request, continuation: Continuation) -> Self {
        let so_far = composer.so_far();
        if !so_far.has_output() {
            return Self::Start;
        }
        // Reasoning that came before the text is lost to the server; what it led to is in the text.
        let is_plain = request.text.format == TextFormat::Text
            && so_far.output().iter().all(|item| item["type"] == "message" || item["type"] == "reasoning");
        match composer.open_text() {
            Some(text) if continuation == Continuation::Prefill && is_plain => {
                Self::Continue { prefix: text.to_owned() }
            }
            _ => Self::Fail(ApiError::server(
                "generation_interrupted",
                "The response was interrupted after a part of it was shown, and the model server cannot continue it. Send \
                 the request again.",
            )),
        }
    }
}
