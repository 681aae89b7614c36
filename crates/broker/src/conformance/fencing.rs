//! Scenes about late writers that are told so: by a broker that checks the epoch when it takes a record, or by one whose
//! readers decide, when the writer has read its own record back.

use stream::Epoch;
use tokio::task::JoinSet;

use super::stage::{assert_gapless, begin, completed, delta, open, read, texts};
use crate::{AppendError, Broker, OpenMode};

/// A writer of a lower epoch is told at its next append, and again whenever it tries.
pub async fn a_late_writer_is_told(broker: &Broker) {
    let id = begin(broker).await;
    let late = open(broker, id).await.epoch;
    broker.log.append(id, late, 1, &[delta("a")]).await.unwrap();
    let owner = open(broker, id).await.epoch;
    for epoch in [late, Epoch(0)] {
        // The second is a repetition of what did count: it was told so once, and is the owner no more.
        for (first, text) in [(2, "late"), (1, "a"), (0, "late"), (9, "late")] {
            let told = broker.log.append(id, epoch, first, &[delta(text)]).await;
            assert!(matches!(told, Err(AppendError::Fenced)), "{told:?}");
        }
    }
    broker.log.append(id, owner, 2, &[completed()]).await.unwrap();
    let told = broker.log.append(id, late, 3, &[delta("late")]).await;
    assert!(matches!(told, Err(AppendError::Fenced)), "{told:?}");
    // An epoch that nobody opened is no owner's.
    let id = begin(broker).await;
    let told = broker.log.append(id, Epoch(7), 1, &[delta("unopened")]).await;
    assert!(matches!(told, Err(AppendError::Gap { first: 1, next: 1 })), "{told:?}");
    assert_eq!(texts(broker, id).await.len(), 0);
}

/// Of owners that take over from each other all the time, each finds in the log what its appends were told to be in it.
pub async fn what_was_accepted_is_in_the_log(broker: &Broker) {
    let id = begin(broker).await;
    let mut owners = JoinSet::new();
    for _ in 0..4 {
        let broker = broker.clone();
        owners.spawn(async move {
            let mut accepted = Vec::new();
            for _ in 0..4 {
                let worker = super::stage::worker();
                let opened = broker.log.open(id, &worker, OpenMode::TakeOver).await.unwrap();
                for next in opened.next()..opened.next() + 5 {
                    let text = format!("{} {next}", opened.epoch);
                    match broker.log.append(id, opened.epoch, next, &[delta(text.as_str())]).await {
                        Ok(_) => accepted.push((next, text)),
                        Err(AppendError::Fenced) => break,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
            accepted
        });
    }
    let mut accepted = owners.join_all().await.concat();
    accepted.sort();
    assert_gapless(0, &read(broker, id).await);
    let texts: Vec<_> = (1..).zip(texts(broker, id).await).collect();
    assert_eq!(accepted, texts);
}
