use serde_json::json;

use crate::demo::schema::example;

#[test]
fn a_value_follows_its_schema() {
    let text = json!("An example.");
    for (schema, value) in [
        (json!({ "type": "string" }), text.clone()),
        (json!({}), text.clone()),
        (json!(true), text.clone()),
        (json!({ "type": ["null", "boolean"] }), json!(true)),
        (json!({ "type": "null" }), json!(null)),
        (json!({ "const": 5 }), json!(5)),
        (json!({ "enum": ["b", "a"] }), json!("b")),
        (json!({ "type": "string", "format": "date" }), json!("2026-01-01")),
        (json!({ "type": "string", "maxLength": 4 }), json!("An e")),
        (json!({ "type": "string", "minLength": 13 }), json!("An example...")),
        (json!({ "type": "integer", "minimum": 5 }), json!(5)),
        (json!({ "type": "integer", "exclusiveMinimum": 5 }), json!(6)),
        (json!({ "type": "integer", "maximum": -2 }), json!(-2)),
        (json!({ "type": "integer", "minimum": 7, "multipleOf": 5 }), json!(10)),
        (json!({ "type": "number", "exclusiveMaximum": 1 }), json!(0.5)),
        (json!({ "type": "array", "items": { "type": "null" } }), json!([null])),
        (json!({ "type": "array", "minItems": 2, "items": { "const": 1 } }), json!([1, 1])),
        (json!({ "type": "array", "maxItems": 0, "items": { "const": 1 } }), json!([])),
        (json!({ "prefixItems": [{ "const": 1 }, { "const": 2 }], "type": "array" }), json!([1, 2])),
        (json!({ "anyOf": [{ "type": "null" }, { "const": 1 }] }), json!(1)),
        (
            json!({ "allOf": [{ "properties": { "a": { "const": 1 } } }], "properties": { "b": { "const": 2 } } }),
            json!({ "a": 1, "b": 2 }),
        ),
        (json!({ "type": "object" }), json!({})),
        (json!({ "properties": { "a": { "const": 1 }, "b": {} }, "required": ["a"] }), json!({ "a": 1 })),
        (json!({ "$ref": "#/$defs/x", "$defs": { "x": { "const": 1 } } }), json!(1)),
        (json!({ "$ref": "#/nowhere" }), text),
    ] {
        assert_eq!(example(&schema), value, "{schema}");
    }
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    let list = json!({
        "type": "object", "required": ["value", "next"],
        "properties": { "value": { "const": 1 }, "next": { "anyOf": [{ "$ref": "#" }, { "type": "null" }] } },
    });
    let mut depth = 0;
    let made = example(&list);
    let mut at = &made;
    while let Some(next) = at.get("next") {
        assert_eq!(at["value"], 1);
        (depth, at) = (depth + 1, next);
    }
    assert!((1..10).contains(&depth) && at.is_null());

    let tree = json!({ "properties": { "children": { "type": "array", "items": { "$ref": "#" } } } });
    assert!(example(&tree).to_string().len() < 500);
    example(&json!({ "$ref": "#" }));
}

#[test]
fn a_schema_that_asks_for_too_much_gets_a_bounded_value() {
    let mut many = json!({ "type": "string", "minLength": 10 });
    for _ in 0..6 {
        many = json!({ "type": "array", "minItems": 1000, "items": many });
    }
    assert!(example(&many).to_string().len() < 100_000);
    let properties: serde_json::Map<_, _> =
        (0..100).map(|number| (number.to_string(), json!({ "$ref": "#" }))).collect();
    assert!(example(&json!({ "type": "object", "properties": properties })).to_string().len() < 100_000);
}
