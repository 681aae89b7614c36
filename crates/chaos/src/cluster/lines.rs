//! The lines of one process to the broker, each through a proxy of its own.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use crate::proxy::Proxy;

/// The lines of one process.
#[derive(Debug)]
pub(crate) struct Lines {
    /// One to Redis, or one to each node of a Redis Cluster or of Kafka.
    pub(crate) broker: Vec<Proxy>,
    /// Beside Kafka: to the Redis that keeps state by key.
    pub(crate) store: Option<Proxy>,
}

impl Lines {
    /// The one line to Redis.
    pub(super) async fn to_redis(redis: SocketAddr) -> io::Result<Self> {
        Ok(Self { broker: vec![Proxy::start(Some(redis)).await?], store: None })
    }

    /// Lines to the masters of a Redis Cluster, by an address that is this process's.
    pub(super) async fn to_redis_cluster(process: usize, nodes: &[SocketAddr]) -> io::Result<Self> {
        let number = u16::try_from(process).map_err(io::Error::other)?;
        let [high, low] = number.to_be_bytes();
        let mut broker = Vec::new();
        for node in nodes {
            let address = (Ipv4Addr::new(127, 1, high, low), node.port()).into();
            broker.push(Proxy::start_at(address, Some(*node)).await?);
        }
        Ok(Self { broker, store: None })
    }

    /// Lines to the nodes of Kafka and to the store beside it. Those to Kafka lead nowhere yet: its nodes are told of them when they
    /// start.
    pub(super) async fn to_kafka(nodes: u32, store: SocketAddr) -> io::Result<Self> {
        let mut broker = Vec::new();
        for _ in 0..nodes {
            broker.push(Proxy::start(None).await?);
        }
        Ok(Self { broker, store: Some(Proxy::start(Some(store)).await?) })
    }

    /// Where the process finds the broker.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.broker.iter().map(Proxy::address).collect()
    }

    /// What says so to it.
    pub(super) fn arguments(&self) -> Vec<(&'static str, String)> {
        let addresses = self.addresses().iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",");
        match &self.store {
            None => vec![("--broker", format!("redis://{addresses}"))],
            Some(store) => vec![
                ("--broker", format!("kafka://{addresses}")),
                ("--set", format!("kafka.store=redis://{}", store.address())),
            ],
        }
    }
}
