//! Which broker carries it all: the one place in the system that names an implementation.

use broker::{Broker, memory::Memory};

use crate::{
    config::{BrokerUrl, Config},
    failure::{Failure, chain},
};

/// Connects to the broker. A process that is no gateway makes no responses.
pub(crate) async fn connect(config: &Config, makes_responses: bool) -> Result<Broker, Failure> {
    match &config.broker {
        BrokerUrl::Memory => Ok(Memory::new(config.memory.clone()).broker()),
        BrokerUrl::Redis(url) => redis(config, url).await,
        BrokerUrl::Kafka(url) => kafka(config, url, makes_responses).await,
    }
}

async fn redis(config: &Config, url: &str) -> Result<Broker, Failure> {
    connected(broker_redis::connect(config.redis.settings(url)?).await)
}

/// Kafka carries, and Redis remembers, if there is one.
async fn kafka(config: &Config, url: &str, makes_responses: bool) -> Result<Broker, Failure> {
    let settings = config.kafka.settings(url, makes_responses);
    let kafka = connected(broker_kafka::connect(settings).await)?;
    if let Some(url) = &config.kafka.store {
        return Ok(Broker { store: redis(config, url.reveal()).await?.store, ..kafka });
    }
    tracing::warn!(
        "kafka.store is not set: responses cannot be read, or continued by previous_response_id, when their streams have \
         expired, and requests with an idempotency key are refused"
    );
    Ok(kafka)
}

fn connected(broker: Result<Broker, broker::Error>) -> Result<Broker, Failure> {
    broker.map_err(|error| Failure::run_time(format!("cannot {}", chain(&error))))
}
