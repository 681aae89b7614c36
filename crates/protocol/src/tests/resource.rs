use serde_json::{Value, json};
use stream::{DeltaKind, Event, EventKind};

use super::{ID, request};
use crate::{ItemStatus, Outcome, Place, Usage, compaction, end, message_item, resource};

#[test]
fn a_new_response_has_every_member() {
    let resource = resource(ID, 1_700_000_000, &request(), "queued");
    insta::assert_json_snapshot!(resource);
}

#[test]
fn each_outcome_has_its_event_and_its_details() {
    let outcomes = [
        Outcome::Completed,
        Outcome::Incomplete { reason: "max_output_tokens".to_owned() },
        Outcome::Failed {
            code: "upstream_timeout".to_owned(),
            message: "The model took too long.".to_owned(),
        },
        Outcome::Cancelled,
    ];
    let told: Vec<Value> = outcomes
        .iter()
        .map(|outcome| {
            let item = message_item(ID, 0, ItemStatus::InProgress, Vec::new());
            let usage = Some(Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() });
            let (kind, ended) =
                end(resource(ID, 1, &request(), "in_progress"), vec![item], usage, outcome, 2);
            json!([
                kind.name(),
                ended["status"],
                ended["completed_at"],
                ended["incomplete_details"],
                ended["error"],
                ended["output"][0]["status"],
                ended["usage"]["total_tokens"],
            ])
        })
        .collect();
    assert_eq!(
        Value::from(told),
        json!([
            ["response.completed", "completed", 2, null, null, "completed", 7],
            ["response.incomplete", "incomplete", null, {"reason": "max_output_tokens"}, null, "incomplete", 7],
            ["response.failed", "failed", null, null,
                {"code": "upstream_timeout", "message": "The model took too long."}, "incomplete", 7],
            ["response.incomplete", "cancelled", null, null, null, "incomplete", 7],
        ])
    );
}

#[test]
fn a_text_has_its_events() {
    let place = Place { response: ID, kind: DeltaKind::OutputText, output_index: 1, part_index: 0 };
    let events =
        [place.part_added().unwrap(), place.text_done("Hi", &[]), place.part_done("Hi", &[]).unwrap()];
    let bodies: Vec<Value> = events
        .iter()
        .map(|event| match event {
            Event::Whole(whole) => serde_json::from_str(&whole.body).unwrap(),
            Event::Delta(_) => panic!("not a delta"),
        })
        .collect();
    insta::assert_json_snapshot!(bodies);
    assert_eq!(
        events.map(|event| event.kind()),
        [EventKind::ContentPartAdded, EventKind::OutputTextDone, EventKind::ContentPartDone]
    );
    assert_eq!(Place { kind: DeltaKind::FunctionArguments, ..place }.part_added(), None);
}

#[test]
fn a_compaction_is_read_again() {
    for summary in ["", "They spoke of \u{1F600} and \"quotes\"."] {
        assert_eq!(compaction::decode(&compaction::encode(summary)).as_deref(), Some(summary));
    }
    for foreign in ["", "gAAAAABpM0Yj", "narthex1.", "narthex1.!", "narthex2.eyJzdW1tYXJ5IjoiIn0"] {
        assert_eq!(compaction::decode(foreign), None, "{foreign}");
    }
}
