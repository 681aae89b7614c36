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
pub(crate) async fn wait_for(
    config: &Config,
    makes_responses: bool,
    status: &Status,
) -> Result<Broker, Failure> {
    let (mut pause, longest) = RETRY;
    loop {
        status.waits_for("the broker to answer");
        match connect(config, makes_responses).await {
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

/// Connects to the broker. A process that is no gateway makes no responses.
pub(crate) async fn connect(config: &Config, makes_responses: bool) -> Result<Broker, Failure> {
    match &config.broker {
        BrokerUrl::Memory => Ok(Memory::new(config.memory.clone()).broker()),
        BrokerUrl::Redis(url) => redis(config, url).await,
        BrokerUrl::Kafka(url) => kafka(config, url, makes_responses).await,
    }
}

async fn redis(config: &Config, url: &str) -> Result<Broker, Failure> {
    let settings = config.redis.settings(url)?;
    broker_redis::connect(settings).await.map_err(|error| failure(&error))
}

/// Kafka carries, and Redis remembers, if there is one.
async fn kafka(config: &Config, url: &str, makes_responses: bool) -> Result<Broker, Failure> {
    let settings = config.kafka.settings(url, makes_responses, |name| std::env::var_os(name))?;
    let kafka = broker_kafka::connect(settings).await.map_err(|error| failure(&error))?;
    if let Some(url) = &config.kafka.store {
        return Ok(Broker { store: redis(config, url.reveal()).await?.store, ..kafka });
    }
    tracing::warn!(
        "kafka.store is not set: responses cannot be read when their streams have expired, nor continued by \
         previous_response_id on another connection, and requests with an idempotency key are refused"
    );
    Ok(kafka)
}

fn failure(error: &broker::Error) -> Failure {
    let sentence = format!("cannot {}", chain(error));
    if error.is_retryable() { Failure::passing(sentence) } else { Failure::run_time(sentence) }
}
