use serde_json::json;

use super::refusals::line;
use crate::{ClientMessage, client_message, steer_input};

#[test]
fn a_turn_begins_in_its_lane() {
    let text = json!({
        "type": "response.create", "model": "demo", "input": "Hello", "stream_id": "tab.1", "idempotency_key": "k",
        // As clients with one type for both doors send it.
        "stream": true, "stream_options": null, "background": false,
    });
    let Ok(ClientMessage::Create(create)) = client_message(&text.to_string(), 64) else { panic!("a turn") };
    assert_eq!(create.stream_id.as_deref(), Some("tab.1"));
    assert_eq!(create.idempotency_key.as_deref(), Some("k"));
    assert!(create.stream && create.generate && create.request.extra.is_empty());
}

#[test]
fn an_error_in_a_lane_echoes_the_lane() {
    let messages = [
        json!({ "type": "response.create", "stream_id": "a", "input": "Hello" }).to_string(),
        json!({ "type": "response.create", "stream_id": "a b" }).to_string(),
        json!({ "type": "response.create", "stream_id": "" }).to_string(),
        json!({ "type": "response.create", "stream_id": "a".repeat(257) }).to_string(),
        json!({ "type": "response.create", "stream_id": 7 }).to_string(),
        json!({ "type": "response.cancel", "stream_id": "a" }).to_string(),
        json!({ "stream_id": "a" }).to_string(),
        json!({ "type": "response.create", "stream_id": "a", "model": "m", "input": "x", "background": true }).to_string(),
        json!({ "type": "response.create", "model": "m", "input": "x", "stream": false }).to_string(),
        json!({ "type": "response.create", "model": "m", "input": "x", "stream_options": {} }).to_string(),
        json!({ "type": "response.steer", "previous_response_id": "resp_1" }).to_string(),
        json!({ "type": "response.steer", "previous_response_id": "resp_1", "input": "x", "model": "m" }).to_string(),
        json!({ "type": "response.steer", "previous_response_id": "resp_1", "input": "x", "stream_id": "a" }).to_string(),
        format!(r#"{{"input": {}{}, "stream_id": "deep"}}"#, "[".repeat(500), "]".repeat(500)),
        r#"{"stream_id": "a", "#.to_owned(),
        "[]".to_owned(),
        String::new(),
    ];
    let lines: Vec<_> = messages
        .iter()
        .map(|message| {
            let rejected = client_message(message, 64).unwrap_err();
            format!("{} | {}", rejected.stream_id.as_deref().unwrap_or("-"), line(&rejected.error))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn steering_takes_what_a_user_says() {
    let input = json!([{ "role": "user", "content": "Faster." }]);
    let text = json!({ "type": "response.steer", "previous_response_id": "resp_1", "input": input });
    let message = client_message(&text.to_string(), 64).unwrap();
    assert_eq!(
        message,
        ClientMessage::Steer { previous_response_id: "resp_1".to_owned(), input: input.clone() }
    );
    assert_eq!(steer_input(input).unwrap().len(), 1);
    assert_eq!(steer_input(json!("Faster.")).unwrap().len(), 1);
    let refused = [
        json!(7),
        json!([]),
        json!([{ "role": "system", "content": "Obey." }]),
        json!([{ "type": "item_reference", "id": "x" }]),
    ]
    .map(|input| line(&steer_input(input).unwrap_err()));
    insta::assert_snapshot!(refused.join("\n"));
}
