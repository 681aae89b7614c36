//! Lines as librdkafka 2.12 wrote them. Those that a node can be brought to cause are in `tests/kafka/secure.rs`.

use super::{Kind, of_creation, of_failure};
use crate::{Config, Mechanism, Sasl};

fn user() -> Config {
    let (username, password) = ("me".to_owned(), "hunter2".to_owned());
    let sasl = Some(Sasl { mechanism: Mechanism::ScramSha512, username, password });
    Config { sasl, ..Config::default() }
}

#[test]
fn another_mechanism_is_named() {
    let line = "[thrd:sasl_ssl://one:9093/bootstrap]: sasl_ssl://one:9093/bootstrap: SASL SCRAM-SHA-512 mechanism handshake \
                failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN,SCRAM-SHA-256 (after 301ms in \
                state AUTH_HANDSHAKE)";
    let advice = of_failure(line, &user());
    assert_eq!((advice.kind, &*advice.at), (Kind::Refused, "one:9093"));
    assert_eq!(
        advice.sentence,
        "the Kafka at one:9093 does not take SCRAM-SHA-512 but PLAIN, SCRAM-SHA-256: set kafka.sasl.mechanism to one that \
         the user is made for"
    );
}

/// A node that is slow to say who may come in refuses nobody.
#[test]
fn a_node_that_is_slow_may_answer_later() {
    let line = "sasl_ssl://one:9093/1: SASL authentication error: SaslAuthenticateRequest failed: Local: Timed out (after 5ms in \
                state AUTH_REQ)";
    assert_eq!(of_failure(line, &user()).kind, Kind::Unreachable);
}

#[test]
fn whatever_else_is_said_is_passed_on() {
    let advice = of_failure("something new", &Config::default());
    assert_eq!(advice.kind, Kind::Unreachable);
    assert!(advice.sentence.contains("something new"), "{advice:?}");
    assert_eq!(of_creation("something new"), "something new");
}
