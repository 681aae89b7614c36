use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

use super::from_kafka;

/// A worker that takes it for a refusal gives the response up.
#[test]
fn what_is_unknown_while_leaders_change_is_tried_again() {
    for code in [Code::UnknownTopic, Code::UnknownPartition, Code::UnknownTopicOrPartition] {
        assert!(from_kafka(KafkaError::MetadataFetch(code)).is_retryable(), "{code}");
    }
    assert!(!from_kafka(KafkaError::MessageProduction(Code::MessageSizeTooLarge)).is_retryable());
}
