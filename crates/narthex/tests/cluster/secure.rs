//! Kafka with TLS and a password: the whole way of a response, and a start that is refused.

use hyper::Method;
use testkit::{
    client::{Http, sequence, text},
    kafka::Secure,
};

use crate::support::{Cluster, body};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_with_tls_and_a_password_a_response_arrives() {
    let cluster = Cluster::on_secure_kafka(Secure::PASSWORD).await;
    let (_worker, one, other) = (cluster.worker(), cluster.gateway(&[]), cluster.gateway(&[]));
    let prompt = "Tell me something. [[tokens=50 delay_ms=1]]";
    let stream = Http::new(one.public()).events(Method::POST, "/v1/responses", Some(body(prompt))).await;
    let events = stream.rest().await;
    assert_eq!(sequence(&events), (0..events.len() as u64).collect::<Vec<_>>());
    let last = &events.last().unwrap()["response"];
    assert_eq!(
        (last["status"].as_str(), last["output"][0]["content"][0]["text"].as_str()),
        (Some("completed"), Some(&*text(&events)))
    );
    let path = format!("/v1/responses/{}?stream=true&starting_after=5", last["id"].as_str().unwrap());
    let again = Http::new(other.public()).events(Method::GET, &path, None).await.rest().await;
    assert_eq!(again, events[6..]);
}

/// One sentence, and an end, however often librdkafka would try again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_kafka_a_wrong_password_ends_the_start_with_one_sentence() {
    let cluster = Cluster::on_secure_kafka("wrong-secret").await;
    let (code, complaint) = cluster.failing_worker();
    let sentence = format!(
        "error: cannot use the broker: the Kafka at {} does not let the user `narthex` in: set the right \
         kafka.sasl.username and kafka.sasl.password\n",
        Secure::shared().await.sasl
    );
    assert_eq!((code, complaint), (1, sentence));
}
