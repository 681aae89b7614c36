//! Records on their way into Kafka, and questions to it.

use parking_lot::Mutex;
use rdkafka::{
    ClientConfig,
    error::KafkaError,
    producer::{
        DeliveryFuture, FutureProducer, FutureRecord, Producer as _, future_producer::FutureProducerContext,
    },
    types::RDKafkaErrorCode,
};

use broker::Error;

use crate::{advice, connections::Connections, error::from_kafka, requests::Place};

/// What a question is put to.
type Client = rdkafka::client::Client<FutureProducerContext<Connections>>;

/// The one producer of this process.
pub(crate) struct Writer {
    config: ClientConfig,
    connections: Connections,
    producer: Mutex<FutureProducer<Connections>>,
}

impl Writer {
    pub(crate) fn new(config: ClientConfig, connections: Connections) -> Result<Self, Error> {
        let producer = Mutex::new(create(&config, &connections)?);
        Ok(Self { config, connections, producer })
    }

    /// Hands a record to the producer, which sends it at once. The future says whether it is in the log.
    pub(crate) fn send(&self, place: &Place<'_>, payload: &[u8]) -> Result<DeliveryFuture, Error> {
        let Place { topic, partition, key } = *place;
        let record = || FutureRecord::to(topic).partition(partition).key(key).payload(payload);
        let sent = self.current().send_result(record());
        let Err((error, _)) = sent else { return sent.map_err(|(error, _)| from_kafka(error)) };
        if error != KafkaError::MessageProduction(RDKafkaErrorCode::Fatal) {
            return Err(from_kafka(error));
        }
        self.renew()?;
        self.current().send_result(record()).map_err(|(error, _)| from_kafka(error))
    }

    /// Writes a record, and waits until it is in the log.
    pub(crate) async fn write(&self, place: &Place<'_>, payload: &[u8]) -> Result<(), Error> {
        delivered(self.send(place, payload)?.await)
    }

    /// Asks the cluster something. librdkafka's questions block.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Client) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, Error> {
        let producer = self.current();
        let asking = tokio::task::spawn_blocking(move || question(producer.client()));
        asking.await.map_err(Error::unavailable)?.map_err(from_kafka)
    }

    fn current(&self) -> FutureProducer<Connections> {
        self.producer.lock().clone()
    }

    /// A producer that can no longer tell what it has written (its broker lost its numbers) refuses everything from then on.
    /// A new one may write again; what the old one was asked for has failed, and whoever asked asks again.
    fn renew(&self) -> Result<(), Error> {
        let mut producer = self.producer.lock();
        if let Some((code, reason)) = producer.client().fatal_error() {
            tracing::warn!(%code, reason, "the producer cannot go on: a new one takes its place");
            *producer = create(&self.config, &self.connections)?;
        }
        Ok(())
    }
}

fn create(config: &ClientConfig, connections: &Connections) -> Result<FutureProducer<Connections>, Error> {
    config.create_with_context(connections.clone()).map_err(|error| match error {
        KafkaError::ClientCreation(why) => Error::refused(advice::of_creation(&why)),
        error => Error::refused(error),
    })
}

/// What a delivery came to.
pub(crate) fn delivered(result: <DeliveryFuture as Future>::Output) -> Result<(), Error> {
    match result {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(from_kafka(error)),
        Err(_) => Err(Error::unavailable("the producer was replaced")),
    }
}
