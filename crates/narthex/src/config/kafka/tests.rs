//! Who Kafka is told that this is, and what does not fit together.

use broker_kafka::Mechanism;

use super::super::{BrokerUrl, Layer, file, load};
use crate::failure::Failure;

fn from_file(text: &str) -> Layer {
    file::parse("narthex.toml", text).unwrap()
}

/// What Kafka is told of `text`, the variable `PASSWORD` being set.
fn kafka_settings(text: &str) -> Result<broker_kafka::Config, Failure> {
    let config = load([from_file(text)]).unwrap().config;
    let BrokerUrl::Kafka(url) = &config.broker else { panic!("{:?}", config.broker) };
    config.kafka.settings(url, true, |name| (name == "PASSWORD").then(|| "hunter2".into()))
}

#[test]
fn kafka_is_told_who_this_is() {
    let settings = kafka_settings("broker = \"kafka://host:9092\"\n").unwrap();
    assert!(settings.tls.is_none() && settings.sasl.is_none());
    let ways = [
        ("kafkas://a:9093,b:9093", "username = \"me\"\npassword = \"hunter2\"\n", Mechanism::ScramSha512),
        (
            "kafkas://a:9093,b:9093",
            "username = \"me\"\npassword_env = \"PASSWORD\"\n",
            Mechanism::ScramSha512,
        ),
        ("kafkas://me:hunter2@a:9093,b:9093", "mechanism = \"PLAIN\"\n", Mechanism::Plain),
        ("kafkas://me:%68unter2@a:9093,b:9093", "mechanism = \"SCRAM-SHA-256\"\n", Mechanism::ScramSha256),
    ];
    for (url, sasl, mechanism) in ways {
        let settings = kafka_settings(&format!("broker = \"{url}\"\n[kafka.sasl]\n{sasl}")).unwrap();
        assert_eq!(settings.bootstrap_servers, "a:9093,b:9093");
        assert!(settings.tls.is_some());
        let sasl = settings.sasl.unwrap();
        assert_eq!((sasl.mechanism, &*sasl.username, &*sasl.password), (mechanism, "me", "hunter2"));
    }
}

#[test]
fn a_password_never_shows() {
    for url in ["kafka://me:hunter2@host:9092", "kafkas://me:hunter2@host:9093,other:9093"] {
        let effective = load([from_file(&format!("broker = \"{url}\"\n"))]).unwrap();
        let shown = format!("{effective:?} {} {}", effective.to_toml(), effective.to_json());
        assert!(shown.contains("://me:***@host:909") && !shown.contains("hunter2"), "{shown}");
        let settings = kafka_settings(&format!("broker = \"{url}\"\n")).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    }
}

#[test]
fn what_kafka_is_told_must_fit_together() {
    let cases = [
        ("kafka://host:9092\"\nkafka.tls.authorities_file = \"a\"", "write kafkas://"),
        ("kafkas://host:9092\"\nkafka.sasl.username = \"me\"", "has no password"),
        ("kafkas://host:9092\"\nkafka.sasl.password = \"hunter2\"", "no username"),
        (
            "kafkas://host:9092\"\nkafka.sasl = { username = \"me\", password = \"hunter2\", password_env = \"B\" }",
            "keep one",
        ),
        ("kafkas://me:hunter2@host:9092\"\nkafka.sasl.username = \"you\"", "keep one of them"),
        ("kafkas://hunter2@host:9092\"", "without a password"),
        ("kafkas://host:9092\"\nkafka.tls.certificate_file = \"a\"", "go together"),
        ("kafkas://host:9092\"\nkafka.tls.authorities_file = \"/nowhere\"", "cannot be read"),
        (
            "kafkas://host:9092\"\nkafka.sasl = { username = \"me\", password_env = \"NONE\" }",
            "NONE, which is not set",
        ),
    ];
    for (settings, complaint) in cases {
        let text = kafka_settings(&format!("broker = \"{settings}\n")).unwrap_err().to_string();
        assert!(text.contains(complaint) && !text.contains("hunter2"), "{text}");
    }
}
