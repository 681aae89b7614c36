use serde_json::json;

use crate::Standard;

fn standard() -> Standard {
    Standard::new(json!({ "components": { "schemas": {
        "Name": { "type": "string" },
        "GreetedStreamingEvent": {
            "type": "object",
            "properties": { "type": { "enum": ["greeted"] }, "name": { "$ref": "#/components/schemas/Name" } },
            "required": ["type", "name"],
        },
    } } }))
}

#[test]
fn references_are_followed() {
    let standard = standard();
    assert_eq!(standard.check_event(&json!({ "type": "greeted", "name": "Ann" })), Ok(()));
    let error = standard.check_event(&json!({ "type": "greeted", "name": 1 })).unwrap_err();
    assert!(error.contains("at '/name'"), "{error}");
}

#[test]
fn what_the_standard_does_not_know_is_told() {
    let standard = standard();
    assert!(standard.check("Nothing", &json!(1)).is_err());
    assert!(standard.check_event(&json!({ "type": "parted" })).is_err());
    assert!(standard.check_event(&json!({ "type": "narthex:parted" })).is_err());
    assert!(standard.check_event(&json!({ "type": "narthex:parted", "sequence_number": 1 })).is_ok());
}
