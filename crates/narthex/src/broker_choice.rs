//! Which broker carries it all: the one place in the system that names an implementation.

use broker::{Broker, memory::Memory};

use crate::{
    config::{BrokerUrl, Config},
    failure::{Failure, chain},
};

/// Connects to the broker.
pub(crate) async fn connect(config: &Config) -> Result<Broker, Failure> {
    match &config.broker {
        BrokerUrl::Memory => Ok(Memory::new(config.memory.clone()).broker()),
        BrokerUrl::Redis(url) => {
            let settings = config.redis.settings(url)?;
            let connected = broker_redis::connect(settings).await;
            connected.map_err(|error| Failure::run_time(format!("cannot {}", chain(&error))))
        }
        // Refused by the check of the role already, with a sentence of its own.
        BrokerUrl::Kafka(_) => Err(Failure::configuration("this build cannot use Kafka yet")),
    }
}
