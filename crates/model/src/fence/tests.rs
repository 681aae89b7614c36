use proptest::prelude::*;
use stream::{Delta, DeltaKind, Event, EventKind, Whole};

use super::*;

fn batch(epoch: u32, first: Sequence, texts: &[&str]) -> Record {
    let delta = |text: &&str| {
        let (kind, text) = (DeltaKind::OutputText, (*text).into());
        Event::Delta(Delta { kind, output_index: 0, part_index: 0, text, logprobs: None })
    };
    Record { epoch: Epoch(epoch), first, events: texts.iter().map(delta).collect() }
}

#[test]
fn a_late_writer_does_not_count() {
    let mut fence = Fence::default();
    assert_eq!(fence.admit(&Record::opening(Epoch(1), 0)), Verdict::Counts);
    assert_eq!(fence.admit(&batch(1, 0, &["a", "b"])), Verdict::Counts);
    assert_eq!(fence.admit(&Record::opening(Epoch(2), 2)), Verdict::Counts);
    assert_eq!(fence.admit(&batch(1, 2, &["late"])), Verdict::Stale);
    assert_eq!(fence.admit(&batch(2, 2, &["c"])), Verdict::Counts);
    assert_eq!(fence.next(), 3);
}

#[test]
fn a_gap_is_told_and_a_repetition_dropped() {
    let mut fence = Fence::default();
    assert_eq!(fence.admit(&batch(0, 0, &["a"])), Verdict::Counts);
    assert_eq!(fence.admit(&batch(0, 2, &["c"])), Verdict::Gap);
    assert_eq!(fence.admit(&batch(0, 0, &["a"])), Verdict::Stale);
    assert_eq!(fence.admit(&batch(1, 1, &["of an epoch whose opening was missed"])), Verdict::Gap);
    assert_eq!(fence.admit(&batch(0, 1, &["b"])), Verdict::Counts);
}

#[test]
fn nothing_counts_after_the_end() {
    let mut fence = Fence::default();
    let end = Record {
        epoch: Epoch(0),
        first: 0,
        events: vec![Event::Whole(Whole { kind: EventKind::Completed, body: "{}".into() })],
    };
    assert_eq!(fence.admit(&end), Verdict::Counts);
    assert!(fence.has_ended());
    assert_eq!(fence.admit(&Record::opening(Epoch(9), 1)), Verdict::Stale);
    assert_eq!(fence.admit(&batch(9, 1, &["x"])), Verdict::Stale);
}

proptest! {
    /// Whatever late writers do, and however often a record is read again, every reader ends with the same events.
    #[test]
    fn stale_records_change_nothing(noise in prop::collection::vec((0u32..4, 0u64..12), 0..40)) {
        let good = [
            Record::opening(Epoch(1), 0), batch(1, 0, &["a", "b"]), batch(1, 2, &["c"]),
            Record::opening(Epoch(3), 3), batch(3, 3, &["d"]), batch(3, 4, &["e", "f"]),
        ];
        let mut fence = Fence::default();
        let mut seen = Vec::new();
        let mut noise = noise.into_iter();
        for record in &good {
            // A late writer's record: of an epoch that is over, at any place.
            if let Some((epoch, first)) = noise.next() && Epoch(epoch) < fence.epoch() {
                prop_assert_eq!(fence.admit(&batch(epoch, first, &["late"])), Verdict::Stale);
            }
            prop_assert_eq!(fence.admit(record), Verdict::Counts);
            prop_assert_ne!(fence.admit(record), Verdict::Counts);
            seen.extend(record.events.iter().cloned());
        }
        prop_assert_eq!(seen.len() as u64, fence.next());
    }
}
