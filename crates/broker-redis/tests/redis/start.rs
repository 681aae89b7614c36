//! The first contact, when it goes wrong: one sentence that says what to do.

use std::error::Error as _;

use broker_redis::connect;

use crate::server::{Server, config};

async fn told(urls: &[&str]) -> (String, bool) {
    let urls: Vec<_> = urls.iter().map(|&url| url.into()).collect();
    let error = connect(config(&urls)).await.unwrap_err();
    (error.source().unwrap().to_string(), error.is_retryable())
}

#[tokio::test]
async fn no_server_at_all() {
    let (told, is_retryable) = told(&["redis://:secret@127.0.0.1:1"]).await;
    assert_eq!(told, "no Redis answers at 127.0.0.1:1: start one there, or set the URL of one that runs");
    assert!(is_retryable);
}

#[tokio::test]
async fn a_password_is_missing() {
    let server = Server::start(&["--requirepass", "secret"]).await;
    let (told, is_retryable) = told(&[&server.url()]).await;
    assert!(told.ends_with("does not let us in: set the right user and password in its URL"), "{told}");
    assert!(!is_retryable);
}

#[tokio::test]
async fn a_cluster_where_none_was_meant() {
    let server = Server::start(&["--cluster-enabled", "yes"]).await;
    let (told, _) = told(&[&server.url()]).await;
    assert!(told.contains("is part of a cluster: write its URL with redis+cluster://"), "{told}");
}

#[tokio::test]
async fn no_cluster_where_one_was_meant() {
    let server = Server::start(&[]).await;
    let url = server.url().replace("redis://", "redis+cluster://");
    let (told, _) = told(&[&url]).await;
    assert!(told.contains("is not part of a cluster: write one URL"), "{told}");
}

/// One node of several is enough to find the others.
#[tokio::test]
async fn the_first_of_several_is_away() {
    let server = Server::start(&["--cluster-enabled", "yes"]).await;
    server.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    while !server.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let broker = connect(config(&["redis://127.0.0.1:1".into(), server.url()])).await.unwrap();
    assert_eq!(broker.store.get("key").await.unwrap(), None);
}
