use serde_json::{Value, json};
use stream::{DeltaKind, Event, EventKind, ItemKind, Whole};

use super::{ID, request};
use crate::{
    ItemStatus, Outcome, Place, Request, Shown, StoredResponse, Usage, compaction, created, end, in_progress,
    message_item,
};

#[test]
fn a_new_response_has_every_member() {
    insta::assert_json_snapshot!(shown(created(ID, 1_700_000_000, &request(), "queued")));
}

#[test]
fn a_worker_that_begins_changes_the_status_alone() {
    let begun = shown(created(ID, 1, &request(), "in_progress"));
    for status in ["queued", "in_progress"] {
        let told = in_progress(&created(ID, 1, &request(), status));
        assert_eq!((told.kind, told.response().as_ref()), (EventKind::InProgress, Some(&begun)), "{status}");
    }
}

#[test]
fn an_end_leaves_every_other_member_as_it_was() {
    let temperature = Some(0.1);
    let created = created(ID, 1, &Request { temperature, ..request() }, "in_progress");
    let before = shown(created.clone());
    let after = shown(end(Some(&created), Vec::new(), None, &Outcome::Completed, 2));
    let names = |resource: &Value| resource.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    for (name, value) in before.as_object().unwrap() {
        let is_changed = ["status", "completed_at"].contains(&name.as_str());
        assert_eq!(after[name] != *value, is_changed, "{name}");
    }
}

#[test]
fn what_showed_nothing_can_be_ended() {
    let bodies = ["", "{}", r#"{"response":"r"}"#, r#"{"response":{}}"#];
    for nothing in bodies.map(Some).into_iter().chain([None]) {
        let nothing = nothing.map(|body| Whole { kind: EventKind::Created, body: body.into() });
        let ended = shown(end(nothing.as_ref(), Vec::new(), None, &Outcome::Cancelled, 2));
        let expected = json!({
            "status": "cancelled", "completed_at": null, "incomplete_details": null, "error": null, "output": [],
            "usage": null,
        });
        assert_eq!(ended, expected, "{nothing:?}");
    }
}

#[test]
fn what_is_kept_of_an_end_is_what_it_shows() {
    let created = created(ID, 1, &request(), "in_progress");
    let item = message_item(ID, 0, ItemStatus::Completed, Vec::new());
    let terminal = end(Some(&created), vec![item], None, &Outcome::Completed, 2);
    let kept: StoredResponse =
        serde_json::from_slice(&StoredResponse::of("t", "u", &terminal).unwrap()).unwrap();
    assert_eq!((&*kept.tenant, &*kept.user, Some(kept.response)), ("t", "u", terminal.response()));
    let event = Event::from(terminal);
    let shown = Shown::by(&event).unwrap();
    assert_eq!(
        (shown.status, shown.output()[0].id()),
        ("completed", Some(&*ID.item_id(ItemKind::Message, 0)))
    );
    assert!(Shown::by(&super::text("Hi")).is_none());
}

/// The resource that an event shows.
fn shown(event: Whole) -> Value {
    event.response().unwrap()
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
            let begun = created(ID, 1, &request(), "in_progress");
            let terminal = end(Some(&begun), vec![item], usage, outcome, 2);
            let name = terminal.kind.name();
            let ended = shown(terminal);
            json!([
                name,
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
