//! A node that speaks TLS, and knows who calls.

use std::time::Duration;

use broker::conformance;
use broker_kafka::{Config, Identity, Mechanism, Sasl, Tls, connect};
use futures_util::future::join_all;
use testkit::{
    certificates::{Authority, Issued},
    kafka::Secure,
};
use tokio::time::Instant;

/// Twice what is waited for an answer, and then it is certain that nobody waits for ever.
const PATIENCE: Duration = Duration::from_secs(20);

fn trusting(authority: &Authority) -> Option<Tls> {
    Some(Tls { authorities: Some(authority.pem()), identity: None })
}

fn with_certificate(trusted: &Authority, own: Issued) -> Option<Tls> {
    let identity = Identity { certificate: own.certificate, key: own.key };
    Some(Tls { authorities: Some(trusted.pem()), identity: Some(identity) })
}

fn user(mechanism: Mechanism) -> Option<Sasl> {
    with_password(mechanism, Secure::PASSWORD)
}

fn with_password(mechanism: Mechanism, password: &str) -> Option<Sasl> {
    Some(Sasl { mechanism, username: Secure::USER.to_owned(), password: password.to_owned() })
}

fn config(at: &str, tls: Option<Tls>, sasl: Option<Sasl>) -> Config {
    Config { bootstrap_servers: at.to_owned(), partitions: 3, tls, sasl, ..Config::default() }
}

/// All that goes over connections of its own: records, their reading, jobs and who claims them.
async fn everything_works(config: Config) {
    let broker = connect(config).await.unwrap();
    conformance::log::sequence_numbers_have_no_gap(&broker).await;
    conformance::live::a_listener_hears_in_order(&broker).await;
    conformance::queue::a_claim_waits_for_a_job(&broker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_with_a_password() {
    let node = Secure::shared().await;
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::ScramSha512] {
        everything_works(config(&node.sasl, trusting(&node.authority), user(mechanism))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_with_a_certificate() {
    let node = Secure::shared().await;
    let tls = with_certificate(&node.authority, node.authority.issue_for(&["narthex"]));
    everything_works(config(&node.mtls, tls, None)).await;
}

/// Each ends the start with one sentence, in time, and is not worth trying again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_is_told_what_to_do() {
    let node = Secure::shared().await;
    let (sasl, mtls, plain) = (&node.sasl, &node.mtls, &node.cluster.addresses);
    let by_number = sasl.replace("localhost", "127.0.0.1");
    let (trust, stranger) = (|| trusting(&node.authority), Authority::new());
    let (plain_user, scram_user) = (|| user(Mechanism::Plain), || user(Mechanism::ScramSha512));
    let wrong = |mechanism| with_password(mechanism, "wrong-secret");
    let cases = [
        (
            config(sasl, trust(), wrong(Mechanism::Plain)),
            format!(
                "the Kafka at {sasl} does not let the user `narthex` in: set the right kafka.sasl.username and \
                 kafka.sasl.password"
            ),
        ),
        (
            config(sasl, trust(), wrong(Mechanism::ScramSha512)),
            format!(
                "the Kafka at {sasl} does not let the user `narthex` in: set the right kafka.sasl.username and \
                 kafka.sasl.password, and check that the user is made for SCRAM-SHA-512"
            ),
        ),
        (
            config(sasl, trusting(&stranger), plain_user()),
            format!(
                "the certificate of the Kafka at {sasl} is not of an authority that is trusted: set \
                 kafka.tls.authorities_file to the certificates of the authority that signed it"
            ),
        ),
        (
            config(sasl, Some(Tls::default()), plain_user()),
            format!(
                "the certificate of the Kafka at {sasl} is not of an authority that is trusted: set \
                 kafka.tls.authorities_file to the certificates of the authority that signed it"
            ),
        ),
        (
            config(&by_number, trust(), plain_user()),
            format!(
                "the certificate of the Kafka at {by_number} is for another host: set the broker to a name that is in the \
                 certificate, or give Kafka a certificate for this one"
            ),
        ),
        (
            config(sasl, None, scram_user()),
            format!("the Kafka at {sasl} hangs up on plain text: write kafkas:// if it speaks TLS there"),
        ),
        (
            config(plain, trust(), scram_user()),
            format!(
                "the Kafka at {plain} does not speak TLS there: set its port with TLS, or write kafka:// for the one in \
                 plain text"
            ),
        ),
        (
            config(plain, None, scram_user()),
            format!(
                "the Kafka at {plain} knows no users at this port: set the port at which it does, or no \
                 kafka.sasl.username"
            ),
        ),
        (
            config(sasl, trust(), None),
            format!(
                "the Kafka at {sasl} talks to nobody without a name: set kafka.sasl.username and kafka.sasl.password"
            ),
        ),
        (
            config(mtls, trust(), None),
            format!(
                "the Kafka at {mtls} wants a certificate that it trusts: set kafka.tls.certificate_file and \
                 kafka.tls.key_file to one of its authority"
            ),
        ),
        (
            config(mtls, with_certificate(&node.authority, stranger.issue_for(&["narthex"])), None),
            format!(
                "the Kafka at {mtls} wants a certificate that it trusts: set kafka.tls.certificate_file and \
                 kafka.tls.key_file to one of its authority"
            ),
        ),
    ];
    let begin = Instant::now();
    join_all(cases.map(async |(config, sentence)| {
        let error = connect(config).await.unwrap_err();
        assert!(!error.is_retryable(), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), sentence);
    }))
    .await;
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

/// Nobody is there, which may pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_there_may_come() {
    let config = Config { response_timeout: Duration::from_secs(1), ..config("127.0.0.1:1", None, None) };
    let error = connect(config).await.unwrap_err();
    assert!(error.is_retryable());
    let sentence = std::error::Error::source(&error).unwrap().to_string();
    assert!(sentence.starts_with("no Kafka answers at 127.0.0.1:1: start one there"), "{sentence}");
}

/// What is in the files is looked at before anything is sent.
#[tokio::test]
async fn files_with_something_else_in_them_are_told() {
    let authority = Authority::new();
    let own = authority.issue_for(&["narthex"]);
    let other = authority.issue_for(&["narthex"]);
    let tls = |authorities: &str, certificate: &str, key: &str| {
        let identity = Identity { certificate: certificate.to_owned(), key: key.to_owned() };
        Some(Tls { authorities: Some(authorities.to_owned()), identity: Some(identity) })
    };
    let cases = [
        (tls("no PEM", &own.certificate, &own.key), "kafka.tls.authorities_file has something in it"),
        (
            tls(&authority.pem(), &own.key, &own.key),
            "kafka.tls.certificate_file does not begin with a certificate",
        ),
        (tls(&authority.pem(), &own.certificate, &own.certificate), "kafka.tls.key_file is not the key"),
        (tls(&authority.pem(), &own.certificate, &other.key), "kafka.tls.key_file is not the key"),
    ];
    for (tls, sentence) in cases {
        let error = connect(config("127.0.0.1:1", tls, None)).await.unwrap_err();
        let told = std::error::Error::source(&error).unwrap().to_string();
        assert!(told.starts_with(sentence) && !error.is_retryable(), "{told}");
        assert!(!format!("{error:?}").contains("PRIVATE KEY"), "{error:?}");
    }
}

#[test]
fn secrets_never_show() {
    let own = Authority::new().issue_for(&["narthex"]);
    let tls = with_certificate(&Authority::new(), own);
    let config = config("localhost:1", tls, user(Mechanism::Plain));
    let shown = format!("{config:?} {config:#?}");
    assert!(shown.contains("narthex") && !shown.contains("battery") && !shown.contains("BEGIN"), "{shown}");
}
