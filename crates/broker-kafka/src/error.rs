//! What librdkafka says, as what the caller shall do.

use broker::Error;
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

/// Whether the same may succeed later is librdkafka's to know: it tries again by itself whatever may be tried again, and
/// what it reports are time-outs, and refusals. A topic or partition that it does not know is none: all of them were there at the
/// start, and while leaders change nodes say so that have not heard of it yet.
pub(crate) fn from_kafka(error: KafkaError) -> Error {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(
            Code::MessageSizeTooLarge
            | Code::InvalidMessage
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::UnsupportedVersion
            | Code::InvalidArgument
            | Code::PolicyViolation,
        ) => Error::refused(error),
        _ => Error::unavailable(error),
    }
}

/// Whether it only says that connections do not stand.
pub(crate) fn is_of_connection(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::Resolve
                | Code::SSL
                | Code::Authentication
                | Code::OperationTimedOut
        )
    )
}

/// What is in the topic cannot be read.
pub(crate) fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::refused(cause)
}

/// Whether a question was put to a node that does not know the answer any more, or not yet.
pub(crate) fn is_moving(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(Code::NotCoordinator | Code::CoordinatorNotAvailable | Code::CoordinatorLoadInProgress)
    )
}

#[cfg(test)]
mod tests;
