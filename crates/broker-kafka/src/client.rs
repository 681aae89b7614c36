//! How librdkafka is set up for each of its parts.

use std::{ops::Deref, thread};

use rdkafka::{
    ClientConfig,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::StreamConsumer,
    error::KafkaResult,
};

use crate::{Config, connections::Connections, security::secure};

/// What reads.
///
/// It closes in a thread of its own: librdkafka waits for its nodes then, and where all of them are gone it was seen to wait for
/// ever, with the runtime that wanted to end.
pub(crate) struct Consumer(Option<StreamConsumer<Connections>>);

impl FromClientConfigAndContext<Connections> for Consumer {
    fn from_config_and_context(config: &ClientConfig, context: Connections) -> KafkaResult<Self> {
        StreamConsumer::from_config_and_context(config, context).map(|consumer| Self(Some(consumer)))
    }
}

impl Deref for Consumer {
    type Target = StreamConsumer<Connections>;

    #[expect(clippy::expect_used, reason = "it is taken out by drop alone")]
    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("a consumer that is not dropped")
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let consumer = self.0.take();
        // Where no thread can be had, it closes here.
        let _ = thread::Builder::new().name("kafka close".to_owned()).spawn(move || drop(consumer));
    }
}

/// What all clients have in common.
pub(crate) fn common(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", &config.bootstrap_servers)
        .set("client.id", "narthex")
        // That a node hangs up is information, and may be all there is to tell why.
        .set_log_level(RDKafkaLogLevel::Info)
        // Nagle's algorithm would hold tokens back.
        .set("socket.nagle.disable", "true")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000");
    secure(&mut client, config.tls.as_ref(), config.sasl.as_ref());
    client
}

/// A producer whose records are each in the log once, in the order of sending, on all replicas that are in sync.
pub(crate) fn producer(config: &Config) -> ClientConfig {
    let mut client = common(config);
    client
        .set("enable.idempotence", "true")
        .set("acks", "all")
        // What waits gathers while five batches are under way. To hold a record back for company is to hold a token back.
        .set("linger.ms", "0")
        .set("message.timeout.ms", config.response_timeout.as_millis().to_string())
        .set("message.max.bytes", config.max_message_bytes.to_string());
    client
}

/// A consumer that is told where to read. It is in no group, though it must name one.
pub(crate) fn consumer(config: &Config) -> ClientConfig {
    let mut client = common(config);
    client
        .set("group.id", format!("{}readers", config.topic_prefix))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // What counts is decided here, and there are no transactions.
        .set("isolation.level", "read_uncommitted")
        .set("auto.offset.reset", "earliest")
        // The broker answers as soon as there is a byte. While it waits, no partition can be added: so not for long.
        .set("fetch.min.bytes", "1")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "50")
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.message.max.bytes", (1 << 20).to_string())
        .set("fetch.max.bytes", config.max_message_bytes.max(8 << 20).to_string())
        .set("receive.message.max.bytes", (config.max_message_bytes.max(8 << 20) + (1 << 20)).to_string())
        .set("queued.max.messages.kbytes", (16 << 10).to_string());
    client
}

/// A consumer that is led from one range of records to the next. At the end of each it has asked for more already, and the next
/// range waits for that answer: so it shall come at once.
pub(crate) fn consumer_of_ranges(config: &Config) -> ClientConfig {
    let mut client = consumer(config);
    client.set("fetch.wait.max.ms", "1");
    client
}
