use std::net::SocketAddr;

use rustix::process::Signal;

use super::{Kafka, Lines, ask};

/// Where the node says that it is, to those who come in by these lines.
async fn told(lines: &Lines) -> Vec<SocketAddr> {
    let way = lines.addresses()[0].to_string();
    let metadata = tokio::task::spawn_blocking(move || ask(&way)).await.unwrap().unwrap();
    let addresses = metadata.brokers().iter().map(|node| format!("{}:{}", node.host(), node.port()));
    addresses.map(|address| address.parse().unwrap()).collect()
}

/// Whoever is led past the proxies is spared everything that is done to them. And a node that ended comes back to its place.
#[tokio::test]
async fn each_process_is_kept_to_its_own_lines() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let lines = [Lines::to_kafka(1, nowhere).await.unwrap(), Lines::to_kafka(1, nowhere).await.unwrap()];
    let kafka = Kafka::start(1, &lines).await;
    for lines in &lines {
        assert_eq!(told(lines).await, lines.addresses());
    }
    kafka.end(1, Signal::TERM).await.unwrap();
    assert_eq!(told(&lines[0]).await, lines[0].addresses());
}
