//! One append at a time; what comes meanwhile goes with the next.

use std::sync::Arc;

use broker::{AppendError, Broker, Header, Member, OpenMode};
use stream::{Delta, DeltaKind, Epoch, Event, EventKind, ResponseId, Whole};

use crate::outbox::Outbox;

fn delta(text: &str) -> Event {
    let kind = DeltaKind::OutputText;
    Event::Delta(Delta { kind, output_index: 0, part_index: 0, text: text.into(), logprobs: None })
}

async fn opened(broker: &Broker) -> (ResponseId, Epoch) {
    let id = broker.log.new_id();
    let created = Event::Whole(Whole { kind: EventKind::Created, body: "{}".into() });
    broker.log.create(id, &Header { grace_ms: 60_000, ..Header::default() }, &[created]).await.unwrap();
    let opened = broker.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
    (id, opened.epoch)
}

#[tokio::test]
async fn what_gathers_during_an_append_goes_with_the_next() {
    let broker = broker::memory::broker();
    let (id, epoch) = opened(&broker).await;
    let mut outbox = Outbox::new(Arc::clone(&broker.log), id, epoch, 1);
    for text in ["a", "b", "c"] {
        outbox.push(vec![delta(text)]);
    }
    assert_eq!(outbox.pending_bytes(), 2, "the first is under way");
    outbox.flush().await.unwrap();
    let page = broker.log.read(id, 1, usize::MAX).await.unwrap().unwrap();
    let sizes: Vec<_> = page.records.iter().map(|record| record.events.len()).collect();
    assert_eq!(sizes, [1, 2]);
}

#[tokio::test]
async fn a_fenced_writer_is_told() {
    let broker = broker::memory::broker();
    let (id, epoch) = opened(&broker).await;
    broker.log.open(id, &Member::random("worker"), OpenMode::TakeOver).await.unwrap();
    let mut outbox = Outbox::new(Arc::clone(&broker.log), id, epoch, 1);
    outbox.push(vec![delta("late")]);
    assert!(matches!(outbox.flush().await, Err(AppendError::Fenced)));
}
