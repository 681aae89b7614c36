//! How a Kafka broker is used, beyond where it is.

use super::broker_url::RedisUrl;

/// The broker's own settings, and where state by key is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kafka {
    /// Its own; where it is comes from elsewhere.
    pub(crate) broker: broker_kafka::Config,
    /// A Redis for what Kafka does not keep.
    pub(crate) store: Option<RedisUrl>,
}

impl Kafka {
    /// What the broker takes, for the cluster at `url`. A process that makes no responses needs no
    /// home.
    pub(crate) fn settings(&self, url: &str, makes_responses: bool) -> broker_kafka::Config {
        let home_partitions = if makes_responses { self.broker.home_partitions } else { 0 };
        let bootstrap_servers = place(url).to_owned();
        broker_kafka::Config { bootstrap_servers, home_partitions, ..self.broker.clone() }
    }

    /// What is wrong with the address of a cluster.
    pub(super) fn check(url: &str) -> Option<String> {
        place(url).contains(['@', '/', '?']).then(|| {
            "broker: what follows `kafka://` is `host:port`, or several with commas: this build cannot log in to Kafka yet"
                .to_owned()
        })
    }
}

/// The nodes that a URL names.
fn place(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, place)| place).trim_end_matches('/')
}
