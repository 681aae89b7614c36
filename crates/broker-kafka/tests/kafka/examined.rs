//! What an operator is told of a node before and after its first use.

use std::error::Error as _;

use broker::Verdict;
use broker_kafka::{Config, connect, examine};

use crate::node;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_told_of_and_not_made() {
    let config = Config { topic_prefix: "examined.".to_owned(), ..node::config().await };
    for _ in 0..2 {
        let findings = examine(config.clone()).await.unwrap();
        assert_eq!(findings.len(), 6, "{findings:?}");
        assert!(findings[0].sentence.starts_with(&config.bootstrap_servers), "{findings:?}");
        assert_eq!(findings[2].about, "kafka topic examined.events");
        assert!(findings[2].sentence.starts_with("not there yet"), "{findings:?}");
    }
    connect(config.clone()).await.unwrap();
    let findings = examine(config).await.unwrap();
    assert!(findings.iter().all(|finding| finding.verdict == Verdict::Fine), "{findings:?}");
    assert_eq!(findings[2].sentence, "3 partitions, 1 copies of each, 1 of which must be in sync");
    let told = |about: &str| findings.iter().any(|finding| finding.about == about);
    assert!(told("kafka version") && told("kafka clock"), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_away_is_told_with_what_to_do() {
    let error = examine(Config { bootstrap_servers: "127.0.0.1:1".to_owned(), ..node::config().await }).await;
    let told = error.unwrap_err();
    let told = told.source().unwrap().to_string();
    assert!(told.starts_with("no Kafka answers at 127.0.0.1:1: start one there"), "{told}");
}
