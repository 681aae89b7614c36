//! Which broker carries it all: the one place in the system that names an implementation.

use std::time::Duration;

use broker::{Broker, Finding, memory::Memory};

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

/// How long the broker may take to answer one question of an examination.
const EXAMINED_WITHIN: Duration = Duration::from_secs(2);

/// Looks at the broker, and changes nothing there.
pub(crate) async fn examine(config: &Config, makes_responses: bool) -> Vec<Finding> {
    match &config.broker {
        BrokerUrl::Memory => {
            vec![Finding::fine("broker", "in memory: for one process, and what it has ends with it")]
        }
        BrokerUrl::Redis(url) => examine_redis(config, url).await,
        BrokerUrl::Kafka(url) => {
            let store = async {
                match &config.kafka.store {
                    Some(url) => examine_redis(config, url.reveal()).await,
                    None => vec![Finding::warning("kafka.store", WITHOUT_STORE)],
                }
            };
            let (mut findings, store) = tokio::join!(examine_kafka(config, url, makes_responses), store);
            findings.extend(store);
            findings
        }
    }
}

async fn examine_redis(config: &Config, url: &str) -> Vec<Finding> {
    let examining = async {
        let settings = config.redis.settings(url)?;
        let timeout = settings.response_timeout.min(EXAMINED_WITHIN);
        let settings =
            broker_redis::Config { response_timeout: timeout, connect_timeout: EXAMINED_WITHIN, ..settings };
        broker_redis::examine(settings).await.map_err(|error| failure(&error))
    };
    told("redis", examining.await)
}

async fn examine_kafka(config: &Config, url: &str, makes_responses: bool) -> Vec<Finding> {
    let examining = async {
        let settings = config.kafka.settings(url, makes_responses, |name| std::env::var_os(name))?;
        let timeout = settings.response_timeout.min(EXAMINED_WITHIN);
        let settings = broker_kafka::Config { response_timeout: timeout, ..settings };
        broker_kafka::examine(settings).await.map_err(|error| failure(&error))
    };
    told("kafka", examining.await)
}

fn told(about: &str, examined: Result<Vec<Finding>, Failure>) -> Vec<Finding> {
    examined.unwrap_or_else(|failure| vec![Finding::problem(about, failure.to_string())])
}

const WITHOUT_STORE: &str = "kafka.store is not set: responses cannot be read when their streams have expired, nor continued by \
                             previous_response_id on another connection, and requests with an idempotency key are refused";

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
    tracing::warn!("{WITHOUT_STORE}");
    Ok(kafka)
}

fn failure(error: &broker::Error) -> Failure {
    let sentence = format!("cannot {}", chain(error));
    if error.is_retryable() { Failure::passing(sentence) } else { Failure::run_time(sentence) }
}
