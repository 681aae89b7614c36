//! Scenes about the log: one order, one owner, nothing lost, nothing twice.

use std::{collections::HashSet, sync::Arc, time::Duration};

use stream::{Delta, DeltaKind, Epoch, Event, EventKind, Record, Sequence, Whole};
use tokio::{task::JoinSet, time::sleep};

use super::stage::{
    ALL, SHORT, assert_gapless, background, begin, completed, created, delta, deltas, eventually, fresh,
    open, read, texts, worker,
};
use crate::{AppendError, Broker, Creation, Error, Header, OpenError, OpenMode};

/// What `create` accepted is readable at once.
pub async fn what_was_created_is_read_back(broker: &Broker) {
    let id = broker.log.new_id();
    let header = Header {
        tenant: "tenant".into(),
        user: fresh("user"),
        model: "a model/with: signs".into(),
        created_at_ms: 1_790_000_000_123,
        store: true,
        background: true,
        grace_ms: u64::from(u32::MAX),
        metered: true,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        tracestate: "rojo=1".into(),
    };
    let events = [created(), delta("Grüße")];
    assert_eq!(broker.log.create(id, &header, &events).await.unwrap(), Creation::Created);
    assert_eq!(broker.log.header(id).await.unwrap(), Some(header));
    let expected = Record { epoch: Epoch(0), first: 0, events: events.to_vec() };
    assert_eq!(read(broker, id).await, [Arc::new(expected)]);
}

/// If the stream exists, nothing happens.
pub async fn creating_twice_changes_nothing(broker: &Broker) {
    let (id, header) = (broker.log.new_id(), background());
    assert_eq!(broker.log.create(id, &header, &[created()]).await.unwrap(), Creation::Created);
    let again = broker.log.create(id, &background(), &[created(), delta("other")]).await.unwrap();
    assert_eq!(again, Creation::Existed);
    assert_eq!(broker.log.header(id).await.unwrap(), Some(header));
    assert_eq!(texts(broker, id).await.len(), 0);
    broker.log.append(id, Epoch(0), 1, &[delta("on")]).await.unwrap();
}

/// Of a stream that there is not, nothing is told, and nothing can be done to it.
pub async fn what_is_not_there_is_none(broker: &Broker) {
    let id = broker.log.new_id();
    assert_ne!(id, broker.log.new_id());
    assert_eq!(broker.log.header(id).await.unwrap(), None);
    assert_eq!(broker.log.read(id, 0, ALL).await.unwrap(), None);
    let append = broker.log.append(id, Epoch(0), 0, &[delta("x")]).await;
    assert!(matches!(append, Err(AppendError::Gone)), "{append:?}");
    for mode in [OpenMode::TakeOver, OpenMode::IfNeverOpened] {
        let opened = broker.log.open(id, &worker(), mode).await;
        assert!(matches!(opened, Err(OpenError::Gone)), "{opened:?}");
    }
    broker.log.expire(id, Duration::from_secs(1)).await.unwrap();
    assert_eq!(broker.log.header(id).await.unwrap(), None);
}

/// An event is read as it was appended, whatever its type.
pub async fn every_kind_of_event_survives(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    let event = |kind: EventKind| match kind.delta() {
        Some(kind) => Event::Delta(Delta {
            kind,
            output_index: 3,
            part_index: 7,
            text: "Grüße \u{1F44B}\0\r\n\"".into(),
            logprobs: (kind == DeltaKind::OutputText).then(|| r#"[{"logprob":-0.1}]"#.into()),
        }),
        None => Event::Whole(Whole { kind, body: format!(r#"{{"kind":"{}"}}"#, kind.name()).into() }),
    };
    let kinds = EventKind::ALL.iter().copied().filter(|kind| !kind.is_terminal());
    let events: Vec<_> = kinds.map(event).chain([completed()]).collect();
    broker.log.append(id, epoch, 1, &events).await.unwrap();
    let records = read(broker, id).await;
    assert_eq!((records[1].epoch, records[1].first), (epoch, 1));
    assert_eq!(records[1].events, events);
}

/// The records carry the sequence numbers 0, 1, 2, … without a gap.
pub async fn sequence_numbers_have_no_gap(broker: &Broker) {
    let id = begin(broker).await;
    let mut next = 1;
    for owner in 0..3 {
        let opened = open(broker, id).await;
        assert_eq!(opened.next(), next);
        for count in [1, 3, 2, 40, owner + 1] {
            broker.log.append(id, opened.epoch, next, &deltas(next, count)).await.unwrap();
            next += count;
        }
    }
    assert_eq!(assert_gapless(0, &read(broker, id).await), next);
    let expected: Vec<_> = (1..next).map(|sequence| sequence.to_string()).collect();
    assert_eq!(texts(broker, id).await, expected);
}

/// Events that do not follow on what the log holds are not added.
pub async fn a_gap_is_refused(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    broker.log.append(id, epoch, 1, &deltas(1, 3)).await.unwrap();
    for (wrong, count) in [(5, 1), (400, 2), (3, 1), (0, 1), (2, 9)] {
        match broker.log.append(id, epoch, wrong, &deltas(wrong, count)).await {
            Err(AppendError::Gap { first, next }) => assert_eq!((first, next), (wrong, 4)),
            other => panic!("appended at {wrong}: {other:?}"),
        }
    }
    assert_eq!(texts(broker, id).await, ["1", "2", "3"]);
    broker.log.append(id, epoch, 4, &deltas(4, 1)).await.unwrap();
}

/// An append that is repeated unchanged succeeds and adds nothing.
pub async fn a_repeated_append_adds_nothing(broker: &Broker) {
    let id = begin(broker).await;
    broker.log.append(id, Epoch(0), 1, &deltas(1, 1)).await.unwrap();
    broker.log.append(id, Epoch(0), 1, &deltas(1, 1)).await.unwrap();
    let epoch = open(broker, id).await.epoch;
    for _ in 0..3 {
        broker.log.append(id, epoch, 2, &deltas(2, 5)).await.unwrap();
    }
    for _ in 0..3 {
        broker.log.append(id, epoch, 7, &deltas(7, 1)).await.unwrap();
    }
    // The last one, too, although nothing may follow it.
    for _ in 0..3 {
        broker.log.append(id, epoch, 8, &[completed()]).await.unwrap();
    }
    assert_eq!(texts(broker, id).await, ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(assert_gapless(0, &read(broker, id).await), 9);
}

/// After a terminal event nothing is appended any more, and nobody takes the stream over.
pub async fn nothing_follows_the_terminal_event(broker: &Broker) {
    for kind in [EventKind::Completed, EventKind::Failed, EventKind::Incomplete] {
        let id = begin(broker).await;
        let epoch = open(broker, id).await.epoch;
        let terminal = Event::Whole(Whole { kind, body: "{}".into() });
        broker.log.append(id, epoch, 1, &[delta("x"), terminal]).await.unwrap();
        let late = broker.log.append(id, epoch, 3, &[delta("late")]).await;
        assert!(matches!(late, Err(AppendError::Ended)), "{late:?}");
        for mode in [OpenMode::TakeOver, OpenMode::IfNeverOpened] {
            let opened = broker.log.open(id, &worker(), mode).await;
            assert!(matches!(opened, Err(OpenError::Ended)), "{opened:?}");
        }
        assert_eq!(assert_gapless(0, &read(broker, id).await), 3);
    }
}

/// A stream may begin and end with the same record: what a result that was stored looks like.
pub async fn a_stream_may_end_at_once(broker: &Broker) {
    let id = broker.log.new_id();
    let header = Header { background: false, grace_ms: 0, ..background() };
    broker.log.create(id, &header, &[created(), delta("x"), completed()]).await.unwrap();
    let late = broker.log.append(id, Epoch(0), 3, &[delta("late")]).await;
    assert!(matches!(late, Err(AppendError::Ended)), "{late:?}");
    let opened = broker.log.open(id, &worker(), OpenMode::TakeOver).await;
    assert!(matches!(opened, Err(OpenError::Ended)), "{opened:?}");
    assert_eq!(broker.control.stops_requested(&[id]).await.unwrap()[0], None);
    assert_eq!(texts(broker, id).await, ["x"]);
}

/// No record is without events, and none has any after the terminal one.
pub async fn misshapen_records_are_refused(broker: &Broker) {
    let id = begin(broker).await;
    for events in [vec![], vec![completed(), delta("late")]] {
        let append = broker.log.append(id, Epoch(0), 1, &events).await;
        assert!(matches!(append, Err(AppendError::Broker(Error::Refused(_)))), "{append:?}");
        let create = broker.log.create(broker.log.new_id(), &background(), &events).await;
        assert!(matches!(create, Err(Error::Refused(_))), "{create:?}");
    }
    assert_eq!(assert_gapless(0, &read(broker, id).await), 1);
}

/// `open` raises the epoch, and returns all that counts up to there.
pub async fn an_opening_returns_what_was_before(broker: &Broker) {
    let header = background();
    let id = broker.log.new_id();
    broker.log.create(id, &header, &[created()]).await.unwrap();
    let first = open(broker, id).await;
    assert!(first.epoch > Epoch(0));
    assert_eq!((first.next(), first.stop), (1, None));
    assert_eq!(first.header, header);
    broker.log.append(id, first.epoch, 1, &deltas(1, 3)).await.unwrap();
    broker.log.append(id, first.epoch, 4, &deltas(4, 1)).await.unwrap();

    let second = open(broker, id).await;
    assert!(second.epoch > first.epoch);
    assert_eq!(second.next(), 5);
    let records: Vec<_> = second.records.iter().cloned().map(Arc::new).collect();
    assert_eq!(records, read(broker, id).await);
    assert_eq!(assert_gapless(0, &records), 5);
    broker.log.append(id, second.epoch, 5, &deltas(5, 1)).await.unwrap();
}

/// A gateway ends a response that still waits only if no worker ever had it.
pub async fn only_what_nobody_owned_is_opened_if_never_opened(broker: &Broker) {
    let id = begin(broker).await;
    let gateway = broker.log.open(id, &worker(), OpenMode::IfNeverOpened).await.unwrap();
    broker.log.append(id, gateway.epoch, 1, &deltas(1, 1)).await.unwrap();
    let again = broker.log.open(id, &worker(), OpenMode::IfNeverOpened).await;
    assert!(matches!(again, Err(OpenError::Owned)), "{again:?}");
    broker.log.append(id, gateway.epoch, 2, &deltas(2, 1)).await.unwrap();

    let id = begin(broker).await;
    open(broker, id).await;
    let late = broker.log.open(id, &worker(), OpenMode::IfNeverOpened).await;
    assert!(matches!(late, Err(OpenError::Owned)), "{late:?}");
}

/// Each opening is higher than all before it, however many there are at once.
pub async fn openings_at_once_get_epochs_of_their_own(broker: &Broker) {
    const OWNERS: usize = 16;
    let id = begin(broker).await;
    let mut owners = JoinSet::new();
    for _ in 0..OWNERS {
        let broker = broker.clone();
        owners.spawn(async move { open(&broker, id).await });
    }
    let opened = owners.join_all().await;
    let epochs: HashSet<_> = opened.iter().map(|opened| opened.epoch).collect();
    assert_eq!(epochs.len(), OWNERS);
    assert!(opened.iter().all(|opened| opened.next() == 1));

    let highest = epochs.iter().copied().max().unwrap();
    for epoch in epochs.iter().filter(|epoch| **epoch < highest) {
        let _ = broker.log.append(id, *epoch, 1, &[delta("late")]).await;
    }
    broker.log.append(id, highest, 1, &[delta("the owner's")]).await.unwrap();
    assert_eq!(texts(broker, id).await, ["the owner's"]);
}

/// No append of a lower epoch counts for any reader, whatever its writer has been told and however often it tries.
pub async fn a_late_writer_does_not_count(broker: &Broker) {
    let id = begin(broker).await;
    let late = open(broker, id).await.epoch;
    broker.log.append(id, late, 1, &deltas(1, 2)).await.unwrap();
    let owner = open(broker, id).await.epoch;
    let late_appends = async |first: Sequence| {
        for _ in 0..3 {
            // Even its own last append, repeated, adds nothing.
            let _ = broker.log.append(id, late, 1, &deltas(1, 2)).await;
            let _ = broker.log.append(id, late, first, &[delta("late")]).await;
            let _ = broker.log.append(id, late, first, &[delta("late"), completed()]).await;
        }
    };
    late_appends(3).await;
    broker.log.append(id, owner, 3, &deltas(3, 1)).await.unwrap();
    late_appends(4).await;
    late_appends(3).await;
    assert_eq!(texts(broker, id).await, ["1", "2", "3"]);
    broker.log.append(id, owner, 4, &[completed()]).await.unwrap();
    late_appends(5).await;
    assert_eq!(assert_gapless(0, &read(broker, id).await), 5);
}

/// Owners that do not know of each other leave one order, in which the epochs only rise.
pub async fn owners_that_race_leave_one_order(broker: &Broker) {
    let id = begin(broker).await;
    let mut owners = JoinSet::new();
    for _ in 0..4 {
        let broker = broker.clone();
        owners.spawn(async move {
            for _ in 0..3 {
                let opened = open(&broker, id).await;
                let mut next = opened.next();
                while next < opened.next() + 20
                    && broker.log.append(id, opened.epoch, next, &deltas(next, 2)).await.is_ok()
                {
                    next += 2;
                }
            }
        });
    }
    owners.join_all().await;
    let records = read(broker, id).await;
    assert_gapless(0, &records);
    assert!(records.is_sorted_by_key(|record| record.epoch), "a late writer counted");
    for (sequence, text) in (1..).zip(texts(broker, id).await) {
        assert_eq!(text, sequence.to_string());
    }
}

/// A page begins with the record that holds the event asked for, also in the middle of it.
pub async fn reading_begins_anywhere(broker: &Broker) {
    let id = begin(broker).await;
    let mut next = 1;
    for owner in 1..=2 {
        let epoch = open(broker, id).await.epoch;
        for count in [1, 3, 1, 4, 2 * owner] {
            broker.log.append(id, epoch, next, &deltas(next, count)).await.unwrap();
            next += count;
        }
    }
    // An opening after the last event hides nothing.
    open(broker, id).await;
    for from in 0..next {
        let page = broker.log.read(id, from, ALL).await.unwrap().unwrap();
        let first = &page.records[0];
        assert!((first.first..first.next()).contains(&from), "asked for {from}, got {first:?}");
        assert_eq!(assert_gapless(first.first, &page.records), next);
    }
    for from in [next, next + 1, next + 1_000] {
        let page = broker.log.read(id, from, ALL).await.unwrap().unwrap();
        assert!(page.records.is_empty() && !page.more, "nothing at {from} yet: {page:?}");
    }
}

/// A page is about as large as asked for, has at least one record, and tells whether there is more.
pub async fn reading_is_bounded(broker: &Broker) {
    const TEXT: usize = 1_000;
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    for next in 1..=50 {
        broker.log.append(id, epoch, next, &[delta("x".repeat(TEXT))]).await.unwrap();
    }
    for max_bytes in [0, 1, TEXT, 5 * TEXT, 20 * TEXT] {
        let (mut next, mut pages) = (0, 0);
        loop {
            let page = broker.log.read(id, next, max_bytes).await.unwrap().unwrap();
            let bytes: usize = page.records.iter().map(|record| record.weight()).sum();
            assert!(!page.records.is_empty() && bytes <= max_bytes + 2 * TEXT, "{bytes} of {max_bytes}");
            next = assert_gapless(next, &page.records);
            pages += 1;
            if !page.more {
                break;
            }
        }
        assert_eq!(next, 51);
        assert!(pages >= 51 * TEXT / (max_bytes + 2 * TEXT), "{pages} pages of {max_bytes} bytes");
    }
}

/// A record may be larger than what the live path carries.
pub async fn a_large_record_is_kept(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    let text = "0123456789abcdef".repeat(16 << 10);
    broker.log.append(id, epoch, 1, &[delta(text.as_str()), delta("after")]).await.unwrap();
    assert_eq!(texts(broker, id).await, [text.as_str(), "after"]);
    assert_eq!(open(broker, id).await.next(), 3);
}

/// Nothing lives for ever: an expired stream is as if it had never been.
pub async fn an_expired_stream_is_gone(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    broker.log.append(id, epoch, 1, &[delta("x"), completed()]).await.unwrap();
    broker.log.expire(id, SHORT).await.unwrap();
    eventually("the stream expires", async || broker.log.read(id, 0, ALL).await.unwrap().is_none()).await;
    assert_eq!(broker.log.header(id).await.unwrap(), None);
    let late = broker.log.append(id, epoch, 1, &[delta("x"), completed()]).await;
    assert!(matches!(late, Err(AppendError::Gone)), "{late:?}");
    let opened = broker.log.open(id, &worker(), OpenMode::TakeOver).await;
    assert!(matches!(opened, Err(OpenError::Gone)), "{opened:?}");
}

/// A stream that is written to does not expire under its writer.
pub async fn an_append_prolongs_a_stream(broker: &Broker) {
    let id = begin(broker).await;
    let epoch = open(broker, id).await.epoch;
    broker.log.expire(id, 5 * SHORT).await.unwrap();
    broker.log.append(id, epoch, 1, &[delta("x")]).await.unwrap();
    sleep(6 * SHORT).await;
    broker.log.append(id, epoch, 2, &[delta("y")]).await.unwrap();
    assert_eq!(texts(broker, id).await, ["x", "y"]);
}

/// Streams that are written at the same time do not mix.
pub async fn streams_do_not_mix(broker: &Broker) {
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let broker = broker.clone();
        writers.spawn(async move {
            let id = begin(&broker).await;
            let epoch = open(&broker, id).await.epoch;
            let text = id.to_string();
            for next in 1..=20 {
                broker.log.append(id, epoch, next, &[delta(text.as_str())]).await.unwrap();
            }
            assert_eq!(texts(&broker, id).await, vec![text; 20]);
        });
    }
    writers.join_all().await;
}
