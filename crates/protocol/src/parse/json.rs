//! From bytes to JSON, within bounds.

use serde_json::{Map, Value};

use crate::ApiError;

/// The object in `body`.
///
/// The depth is checked before anything recurses. Of members with the same name the last one counts, as nearly all JSON
/// readers have it.
pub(crate) fn read_object(body: &[u8], max_depth: usize) -> Result<Map<String, Value>, ApiError> {
    if is_deeper_than(body, max_depth) {
        return Err(too_deep(max_depth));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(other) => Err(error(
            "invalid_type",
            format!("Invalid body: expected a JSON object, but got {}.", kind(&other)),
        )),
        Err(e) if e.to_string().starts_with("recursion limit exceeded") => Err(too_deep(max_depth)),
        Err(e) => Err(error("invalid_json", format!("Invalid body: failed to parse JSON: {e}."))),
    }
}

/// Whether arrays and objects in `json` nest deeper than `max_depth`. Looks at bytes alone, so that it holds for what is
/// not JSON too.
fn is_deeper_than(json: &[u8], max_depth: usize) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                bytes.next();
            }
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > max_depth {
                    return true;
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// What a value is, in the words of an error message.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn too_deep(max_depth: usize) -> ApiError {
    error("json_too_deep", format!("Invalid body: arrays and objects may nest at most {max_depth} deep."))
}

fn error(code: &str, message: String) -> ApiError {
    ApiError { param: None, ..ApiError::invalid("", code, message) }
}
