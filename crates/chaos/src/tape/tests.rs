use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Reading, Tape, WrongKind};
use crate::order::{Order, Pace};

/// A tape, and all events of its response as they must be: each token a delta, beginning with number 3.
fn scene() -> (Tape, Vec<Value>) {
    let order = Order::new(7, 1, 1, &Pace::default(), &mut StdRng::seed_from_u64(7));
    let text = order.text.clone();
    let (input, output) = order.usage();
    let mut events = vec![
        json!({"type": "response.created", "response": {"id": "resp_1"}}),
        json!({"type": "response.in_progress", "response": {"id": "resp_1"}}),
        json!({"type": "response.output_item.added", "item": {}}),
    ];
    let deltas = testkit::model_server::tokens(&order.prompt, 0, order.tokens);
    events.extend(deltas.map(|delta| json!({"type": "response.output_text.delta", "delta": delta})));
    events.push(json!({"type": "response.output_text.done", "text": text}));
    events.push(json!({"type": "response.completed", "response": {
        "id": "resp_1", "output": [{"content": [{"text": text}]}], "usage": {"input_tokens": input, "output_tokens": output},
    }}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    (Tape::new(order, Instant::now()), events)
}

fn play(tape: &mut Tape, mut reading: Reading, events: &[Value]) {
    for event in events {
        tape.take(&mut reading, event, Instant::now());
    }
    tape.close(reading);
}

/// What a tape finds wrong with these events, told from the beginning.
fn found(tape: &mut Tape, events: &[Value]) -> Vec<(WrongKind, u64)> {
    let reading = Reading::from_the_beginning();
    play(tape, reading, events);
    tape.wrongs.iter().map(|wrong| (wrong.kind.clone(), wrong.events)).collect()
}

#[test]
fn a_stream_as_it_must_be_is_right_over_any_connections() {
    for cut in 0..10 {
        let (mut tape, events) = scene();
        let (front, back) = events.split_at(cut);
        let reading = tape.resume();
        play(&mut tape, reading, front);
        assert!(!tape.is_over());
        let reading = tape.resume();
        play(&mut tape, reading, back);
        // And once more, as one who sends the request again hears it.
        assert_eq!(found(&mut tape, &events), []);
        assert!(tape.is_over());
    }
}

#[test]
fn merged_deltas_stand_for_all_of_theirs() {
    let (mut tape, mut events) = scene();
    let whole = events.clone();
    let second = events.remove(5)["delta"].as_str().unwrap().to_owned();
    let joined = events[4]["delta"].as_str().unwrap().to_owned() + &second;
    events[4]["delta"] = joined.into();
    events[4]["sequence_number"] = 5.into();
    events[4]["narthex:merged_from"] = 4.into();
    assert_eq!(found(&mut tape, &events), []);
    assert_eq!(found(&mut tape, &whole), []);
}

#[test]
fn a_lost_event_is_found() {
    let (mut tape, mut events) = scene();
    events.drain(4..6);
    assert_eq!(found(&mut tape, &events), [(WrongKind::Lost, 2)]);
}

#[test]
fn a_repeated_event_is_found() {
    let (mut tape, mut events) = scene();
    events.insert(5, events[4].clone());
    assert_eq!(found(&mut tape, &events), [(WrongKind::Repeated, 1)]);
}

#[test]
fn events_in_another_order_are_found() {
    let (mut tape, mut events) = scene();
    events.swap(4, 5);
    assert_eq!(found(&mut tape, &events), [(WrongKind::Reordered, 1)]);
}

#[test]
fn a_repetition_after_a_resume_is_found() {
    let (mut tape, events) = scene();
    let reading = tape.resume();
    play(&mut tape, reading, &events[..6]);
    let reading = tape.resume();
    play(&mut tape, reading, &events[5..]);
    assert_eq!(tape.wrongs[0].kind, WrongKind::Repeated);
}

#[test]
fn one_byte_that_differs_is_found_wherever_it_is() {
    for place in ["/4/delta", "/{done}/text", "/{end}/response/output/0/content/0/text"] {
        let (mut tape, events) = scene();
        let mut all = Value::from(events.clone());
        let place = place.replace("{done}", &(events.len() - 2).to_string());
        let place = place.replace("{end}", &(events.len() - 1).to_string());
        let text = all.pointer_mut(&place).unwrap();
        *text = text.as_str().unwrap().replacen(' ', "_", 1).into();
        let found = found(&mut tape, all.as_array().unwrap());
        assert_eq!(found.first(), Some(&(WrongKind::Altered, 1)), "{place}");
    }
}

#[test]
fn an_event_that_is_another_when_it_is_heard_again_is_found() {
    let (mut tape, mut events) = scene();
    assert_eq!(found(&mut tape, &events), []);
    events[2]["item"] = json!({"id": "other"});
    assert_eq!(found(&mut tape, &events), [(WrongKind::Altered, 1)]);
}

#[test]
fn another_id_under_the_same_key_is_found() {
    let (mut tape, mut events) = scene();
    let reading = tape.resume();
    play(&mut tape, reading, &events[..3]);
    events[0]["response"]["id"] = "resp_2".into();
    assert!(found(&mut tape, &events).contains(&(WrongKind::Altered, 1)));
}

#[test]
fn a_second_end_is_found() {
    let (mut tape, mut events) = scene();
    let mut second = events.last().unwrap().clone();
    second["sequence_number"] = events.len().into();
    events.push(second);
    assert_eq!(found(&mut tape, &events), [(WrongKind::Repeated, 1)]);
}

#[test]
fn a_failure_is_found_with_its_code() {
    let (mut tape, mut events) = scene();
    events.truncate(5);
    let error = json!({"type": "response.failed", "sequence_number": 5, "response": {"error": {"code": "stream_lost"}}});
    events.push(error);
    assert_eq!(found(&mut tape, &events), [(WrongKind::Failed("stream_lost".to_owned()), 1)]);
    assert!(tape.is_over());
}

#[test]
fn a_bill_that_counts_the_input_twice_is_found() {
    let (mut tape, mut events) = scene();
    let usage = &mut events.last_mut().unwrap()["response"]["usage"];
    usage["input_tokens"] = (usage["input_tokens"].as_u64().unwrap() * 2).into();
    assert_eq!(found(&mut tape, &events), [(WrongKind::Miscounted, 1)]);
}
