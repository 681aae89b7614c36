//! What can go wrong at a broker, told as what the caller shall do.

use stream::Sequence;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The broker could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or not in time. The same call may succeed later; whether this one took effect is unknown.
    #[error("reach the broker")]
    Unavailable(#[source] Cause),
    /// It answered, but refused, or holds what cannot be read. Trying again will not help.
    #[error("use the broker")]
    Refused(#[source] Cause),
    /// This broker cannot do it at all.
    #[error("do this with this broker: {0}")]
    Unsupported(&'static str),
}

impl Error {
    /// The broker is out of reach.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// The broker refused.
    pub fn refused(cause: impl Into<Cause>) -> Self {
        Self::Refused(cause.into())
    }

    /// Whether the same call may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Why a stream was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such stream: it never was, or it expired.
    #[error("open a stream that does not exist")]
    Gone,
    /// It has its terminal event: nothing is left to do.
    #[error("open a stream that has ended")]
    Ended,
    /// [`OpenMode::IfNeverOpened`](crate::OpenMode::IfNeverOpened), and a worker has it.
    #[error("open a stream that a worker owns")]
    Owned,
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] Error),
}

/// Why events were not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A newer epoch was opened: the caller no longer owns the stream, and must stop at once.
    #[error("append to a stream that another worker took over")]
    Fenced,
    /// The stream has its terminal event.
    #[error("append to a stream that has ended")]
    Ended,
    /// There is no such stream: it expired, was deleted, or the broker lost it.
    #[error("append to a stream that does not exist")]
    Gone,
    /// The events do not follow on what the log holds: the broker lost records, or the caller is wrong.
    #[error("append at {first} to a stream that stands at {next}")]
    Gap {
        /// Where the caller wanted to append.
        first: Sequence,
        /// Where the stream stands.
        next: Sequence,
    },
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] Error),
}
