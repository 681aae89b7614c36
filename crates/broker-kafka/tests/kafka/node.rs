//! What a test needs to reach the node.

use broker::{Broker, Header, Job, Kind};
use broker_kafka::Config;
use bytes::Bytes;
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

/// A job of a model.
pub(crate) fn job(broker: &Broker, model: &str) -> Job {
    let header = Header { model: model.into(), background: true, ..Header::default() };
    let (id, request) = (broker.log.new_id(), Bytes::from_static(b"{}"));
    Job { id, header, kind: Kind::Response, request, trace: None, enqueued_at_us: 0 }
}
