use serde_json::{Value, json};

use crate::{ApiError, CloseCode, models, steer_failed};

#[test]
fn close_codes_fit_and_differ() {
    let numbers: std::collections::HashSet<u16> = CloseCode::ALL.iter().map(|code| code.number()).collect();
    assert_eq!(numbers.len(), CloseCode::ALL.len());
    assert!(CloseCode::ALL.iter().all(|code| code.reason().len() <= 123));
}

#[test]
fn clients_come_back_after_a_stop_of_ours_alone() {
    // The list in the official SDKs.
    let recoverable = [1001, 1005, 1006, 1011, 1012, 1013, 1015];
    for code in CloseCode::ALL {
        assert_eq!(code.reconnects(), recoverable.contains(&code.number()), "{code:?}");
    }
}

#[test]
fn models_are_listed() {
    let model = models::Model { id: "demo", created: 1, owned_by: "narthex" };
    assert_eq!(
        models::list([model]),
        json!({"object": "list", "data": [{"id": "demo", "object": "model", "created": 1, "owned_by": "narthex"}]})
    );
}

#[test]
fn a_refused_steer_returns_its_input() {
    let error = ApiError::invalid("input", "steering_not_supported", "No.");
    let text = steer_failed("resp_1", &json!("Faster."), &error, Some("a"));
    insta::assert_json_snapshot!(serde_json::from_str::<Value>(&text).unwrap());
}
