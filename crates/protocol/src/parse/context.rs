//! What can only be checked when the whole conversation is known.

use std::collections::HashSet;

use crate::{ApiError, Item, View};

/// Checks that each function output in the items from `first_new` on answers a call that is in the conversation.
///
/// # Errors
/// The first one that does not, with its place among the new items: what the client sent as `input`.
pub fn check_context(input: &[Item], first_new: usize) -> Result<(), ApiError> {
    let calls: HashSet<&str> = input
        .iter()
        .filter_map(|item| match item.view()? {
            View::FunctionCall { call_id, .. } => Some(call_id),
            _ => None,
        })
        .collect();
    for (place, item) in input.iter().skip(first_new).enumerate() {
        if let Some(View::FunctionCallOutput { call_id, .. }) = item.view()
            && !calls.contains(call_id)
        {
            return Err(ApiError::invalid(
                format!("input[{place}].call_id"),
                "invalid_value",
                format!("No tool call found for function call output with call_id {call_id}."),
            ));
        }
    }
    Ok(())
}
