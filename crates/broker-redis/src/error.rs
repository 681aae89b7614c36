//! What Redis says, as what the caller shall do.

use broker::Error;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

/// Codes of answers that another try may not get: the server has no memory or no disk left, has too few replicas, is
/// busy with a script, or lost the role of a master while someone waited on it.
const PASSING: &[&str] = &["OOM", "MISCONF", "NOREPLICAS", "BUSY", "UNBLOCKED"];

/// The broker's error for one of the client.
pub(crate) fn from_redis(error: RedisError) -> Error {
    if may_pass(&error) { Error::unavailable(error) } else { Error::refused(error) }
}

/// The broker's error for one that a script caught and told.
pub(crate) fn from_script(told: &str) -> Error {
    let line = told.split(['\r', '\n']).next().unwrap_or_default();
    let error = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).and_then(Value::extract_error);
    error.map_or_else(from_redis, |_| unreadable(told))
}

/// Some of what a call is about is on another node already: its slot is moving.
pub(crate) fn is_split(error: &Error) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |&cause| cause.source());
    let mut causes = causes.filter_map(|cause| cause.downcast_ref::<RedisError>());
    causes.any(|error| error.kind() == ErrorKind::Server(ServerErrorKind::TryAgain))
}

/// The server was not reached in time.
pub(crate) fn too_late() -> Error {
    Error::unavailable("redis did not answer in time")
}

/// An answer has not the form that the scripts give it.
pub(crate) fn unreadable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::refused(what)
}

fn may_pass(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
        ),
        _ => error.code().is_some_and(|code| PASSING.contains(&code)),
    }
}

#[cfg(test)]
mod tests;
