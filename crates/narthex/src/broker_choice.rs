//! Which broker carries it all: the one place in the system that names an implementation.

use std::time::Duration;

use broker::{Broker, memory::Memory};

use crate::{
    config::{BrokerUrl, Config},
    failure::{Failure, chain},
    status::Status,
};

/// How long to wait before a broker that did not answer is asked again: at first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3));

/// Connects to the broker as soon as it is there. It often comes up after those who use it, and a supervisor that has to start
/// a process again and again waits longer each time.
pub(crate) async fn wait_for(config: &Config, status: &Status) -> Result<Broker, Failure> {
    let (mut pause, longest) = RETRY;
    loop {
        status.waits_for("the broker to answer");
        match connect(config).await {
            Err(failure) if failure.may_pass() => {
                tracing::warn!(%failure, "waiting for the broker");
                status.waits_for(format!("the broker to answer: {failure}"));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
            outcome => return outcome,
        }
    }
}

/// Connects to the broker.
pub(crate) async fn connect(config: &Config) -> Result<Broker, Failure> {
    match &config.broker {
        BrokerUrl::Memory => Ok(Memory::new(config.memory.clone()).broker()),
        BrokerUrl::Redis(url) => {
            let settings = config.redis.settings(url)?;
            broker_redis::connect(settings).await.map_err(|error| failure(&error))
        }
        // Refused by the check of the role already, with a sentence of its own.
        BrokerUrl::Kafka(_) => Err(Failure::configuration("this build cannot use Kafka yet")),
    }
}

fn failure(error: &broker::Error) -> Failure {
    let sentence = format!("cannot {}", chain(error));
    if error.is_retryable() { Failure::passing(sentence) } else { Failure::run_time(sentence) }
}
