//! What stands in a compaction item: the summary of a conversation, in a form that clients carry but do not read.
//!
//! The standard calls the member `encrypted_content`. Ours is *not* secret: it is encoded, so that nobody builds on its
//! form, and holds nothing but what the same client said and heard. It is not signed either: a client that writes its own
//! could as well have sent a message with that text.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Item, Request, Role, Usage};

/// What a reader of another version must recognize before anything else.
const PREFIX: &str = "narthex1.";

/// A member that an older reader does not know is ignored; a change that it must not ignore gets another prefix.
#[derive(Deserialize)]
struct Content {
    summary: String,
}

/// The `encrypted_content` that carries `summary`.
pub fn encode(summary: &str) -> String {
    let json = json!({ "summary": summary }).to_string();
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json))
}

/// The answer to `POST /v1/responses/compact`, from the resource of the response that made the compaction.
pub fn answer(resource: &Value) -> Value {
    let usage = Usage::from_json(&resource["usage"]).unwrap_or_default();
    json!({
        "id": resource["id"],
        "object": "response.compaction",
        "created_at": resource["created_at"],
        "output": resource["output"],
        "usage": usage.to_json(),
    })
}

/// The summary in an `encrypted_content`, or `None` if it was not made by [`encode`].
pub fn decode(encrypted_content: &str) -> Option<String> {
    let json = URL_SAFE_NO_PAD.decode(encrypted_content.strip_prefix(PREFIX)?).ok()?;
    Some(serde_json::from_slice::<Content>(&json).ok()?.summary)
}

/// The request that makes a model write the summary: the conversation, and the order to sum it up.
pub fn order(mut request: Request) -> Request {
    let own = request.instructions.take().map(|own| format!("\n\n{own}")).unwrap_or_default();
    request.instructions = Some(format!("{INSTRUCTIONS}{own}"));
    request.input.push(Item::message(Role::User, REQUEST));
    request.store = false;
    request
}

const INSTRUCTIONS: &str = "You shorten conversations. What you write replaces the conversation, so keep everything that \
                            is needed to carry it on: facts, names, numbers, decisions, open questions, the results of \
                            tools, and what the user asked for.";

const REQUEST: &str = "Sum up the conversation above. Write the summary alone, without a word about it.";
