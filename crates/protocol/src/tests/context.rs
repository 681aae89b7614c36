use serde_json::{Value, json};

use crate::{Item, check_context};

fn items(list: Value) -> Vec<Item> {
    serde_json::from_value(list).unwrap()
}

#[test]
fn an_output_answers_a_call_of_the_whole_conversation() {
    let call = json!({ "type": "function_call", "call_id": "a", "name": "f", "arguments": "{}" });
    let output = |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": "1" });
    let input = items(json!([call, output("a"), output("b")]));
    assert_eq!(check_context(&input[..2], 0), Ok(()));
    assert_eq!(check_context(&input[..2], 1), Ok(()));
    // What was accepted before is not judged again.
    assert_eq!(check_context(&input, 3), Ok(()));
    let error = check_context(&input, 1).unwrap_err();
    assert_eq!(error.param.as_deref(), Some("input[1].call_id"));
    assert_eq!(check_context(&input, 9), Ok(()));
}
