//! Which broker carries it all: the one place in the system that names an implementation.

use broker::Broker;

use crate::{config::BrokerUrl, failure::Failure};

/// Connects to the broker.
pub(crate) async fn connect(choice: &BrokerUrl) -> Result<Broker, Failure> {
    match choice {
        BrokerUrl::Memory => Ok(broker::memory::broker()),
        BrokerUrl::Redis(_) => {
            Err(Failure::configuration("this build cannot use Redis yet: run `narthex dev`"))
        }
        BrokerUrl::Kafka(_) => {
            Err(Failure::configuration("this build cannot use Kafka yet: set --broker redis://host:6379"))
        }
    }
}
