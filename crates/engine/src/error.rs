//! What can go wrong at a model server, told as what the worker shall do.

use std::time::Duration;

/// A call of a model failed.
///
/// The message goes to clients: it names no address and holds no secret. What the operator needs is in `detail`, which
/// goes to the log alone.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of failure it is.
    pub fault: Fault,
    /// A sentence for the client.
    pub message: String,
    /// The parameter that the model server named, if it refused one.
    pub param: Option<String>,
    /// The code that the model server gave, if it is safe to tell.
    pub code: Option<String>,
    /// What the operator reads; never shown to a client.
    pub detail: String,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server refused the request itself: the client's to correct. 400, 404, 413, 422.
    Refused,
    /// The server has too much to do. 429 or 503.
    Busy {
        /// When to try again, if the server said so.
        retry_after: Option<Duration>,
    },
    /// It cannot be reached, or broke off before the end.
    Unreachable,
    /// It failed: 5xx, or an error in its stream.
    Failed,
    /// Its credentials, or ours, are wrong: 401 or 403. The operator's to correct.
    Unauthorized,
    /// It took longer than allowed.
    Timeout(&'static str),
    /// It answered what is not of its protocol.
    Garbled,
}

impl Error {
    /// A failure, with a sentence for the client and a detail for the operator.
    pub fn new(fault: Fault, message: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { fault, message: message.into(), param: None, code: None, detail: detail.into() }
    }

    /// Whether another server may do better: all but what is wrong with the request itself.
    pub const fn is_of_server(&self) -> bool {
        !matches!(self.fault, Fault::Refused)
    }

    /// Whether the same call may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.fault, Fault::Busy { .. } | Fault::Unreachable | Fault::Failed)
    }
}
