//! What a test needs to reach the node.

use broker::Broker;
use broker_kafka::Config;
use testkit::kafka::Cluster;

/// What all tests share but those that want topics of their own. Their streams and models have names of their own.
pub(crate) async fn config() -> Config {
    let bootstrap_servers = Cluster::shared().await.addresses.clone();
    Config { bootstrap_servers, partitions: 3, ..Config::default() }
}

/// A broker as two processes see it: what one puts in, the other takes out.
pub(crate) async fn broker() -> Broker {
    let one = broker_kafka::connect(config().await).await.unwrap();
    let other = broker_kafka::connect(config().await).await.unwrap();
    Broker { control: other.control, ..one }
}
