use proptest::prelude::*;
use serde_json::json;

use super::*;

fn delta(text: &str) -> Event {
    Event::Delta(Delta {
        kind: DeltaKind::OutputText,
        output_index: 0,
        part_index: 0,
        text: text.into(),
        logprobs: None,
    })
}

fn whole(kind: EventKind, body: serde_json::Value) -> Event {
    Event::Whole(Whole { kind, body: body.to_string().into() })
}

fn batch(epoch: u32, first: Sequence, texts: &[&str]) -> Record {
    Record { epoch: Epoch(epoch), first, events: texts.iter().map(|t| delta(t)).collect() }
}

#[test]
fn an_id_survives_its_text() {
    let id = ResponseId::random(7);
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!(id.partition(), 7);
    assert!(id.to_string().starts_with("resp_0007"));
}

#[test]
fn what_is_not_an_id_is_refused() {
    for text in ["", "resp_", "resp_00zz", "msg_0000", "resp_+00000000000000000000000000000000000", "RESP_0"]
    {
        assert_eq!(text.parse::<ResponseId>(), Err(InvalidResponseId), "{text}");
    }
    let upper = ResponseId::from_parts(0, u128::MAX).to_string().replace('f', "F");
    assert_eq!(upper.parse::<ResponseId>(), Err(InvalidResponseId));
}

#[test]
fn every_event_type_has_a_number_of_its_own() {
    for kind in EventKind::ALL {
        assert_eq!(EventKind::from_number(*kind as u8), Some(*kind));
    }
    assert_eq!(EventKind::from_number(0), None);
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
        events: vec![whole(EventKind::Completed, json!({"response": {}}))],
    };
    assert_eq!(fence.admit(&end), Verdict::Counts);
    assert!(fence.has_ended());
    assert_eq!(fence.admit(&Record::opening(Epoch(9), 1)), Verdict::Stale);
    assert_eq!(fence.admit(&batch(9, 1, &["x"])), Verdict::Stale);
}

#[test]
fn deltas_add_up_to_the_response() {
    let mut assembler = Assembler::new();
    let events = [
        whole(EventKind::Created, json!({"response": {"id": "r", "output": []}})),
        whole(
            EventKind::OutputItemAdded,
            json!({"output_index": 0, "item": {"type": "message", "content": []}}),
        ),
        whole(
            EventKind::ContentPartAdded,
            json!({"output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": ""}}),
        ),
        delta("Hel"),
        delta("lo"),
    ];
    for (sequence, event) in (0..).zip(&events) {
        assembler.push(sequence, event).unwrap();
    }
    assert_eq!(assembler.response().unwrap()["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(assembler.push(9, &delta("x")), Err(OutOfOrder { expected: 5, got: 9 }));
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
