//! What clients say on a WebSocket.

use serde::Deserialize;
use serde_json::Value;

use super::{
    create::{self, Create, Door},
    envelope, input, json,
    node::{MAX_TEXT, Node, Result},
};
use crate::{ApiError, Item, Secret};

/// The longest token, in characters. Whoever checks it may want it shorter.
const MAX_TOKEN: usize = 16 * 1024;

/// One message of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// A turn begins: `response.create`.
    Create(Box<Create>),
    /// Input for a response that is running: `response.steer`.
    Steer {
        /// The running response.
        previous_response_id: String,
        /// What to add, as sent: a refusal returns it. [`steer_input`] reads it.
        input: Value,
    },
    /// The connection shall go on with another token: `narthex:token.update`, an extension.
    TokenUpdate {
        /// The token.
        token: Secret,
    },
}

/// A message that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong with it.
    pub error: ApiError,
    /// The lane that it was meant for, if that could be read.
    pub stream_id: Option<String>,
}

/// The types of messages.
const TYPES: [&str; 3] = ["response.create", "response.steer", "narthex:token.update"];

/// Reads one text message.
///
/// # Errors
/// What is wrong with it, naming the parameter; the connection lives on.
pub fn client_message(text: &str, max_depth: usize) -> Result<ClientMessage, Rejected> {
    let members = json::read_object(text.as_bytes(), max_depth)
        .map_err(|error| Rejected { error, stream_id: lane_of_unreadable(text) })?;
    let value = Value::Object(members);
    // The lane comes first: without it nobody knows whose error the next one is.
    let stream_id =
        envelope::stream_id(&Node::root(&value)).map_err(|error| Rejected { error, stream_id: None })?;
    read(value).map_err(|error| Rejected { error, stream_id })
}

fn read(value: Value) -> Result<ClientMessage> {
    let message = Node::root(&value);
    match message.require("type")?.one_of(&TYPES)? {
        "response.steer" => steer(&message),
        "narthex:token.update" => token_update(&message),
        _ => create::read(value, Door::WebSocket).map(|create| ClientMessage::Create(Box::new(create))),
    }
}

fn steer(message: &Node<'_, '_>) -> Result<ClientMessage> {
    if let Some(id) = message.get("stream_id") {
        return Err(id.unsupported("The response that is steered determines the lane."));
    }
    message.only(&["type", "previous_response_id", "input", "stream_id"])?;
    Ok(ClientMessage::Steer {
        previous_response_id: message.require("previous_response_id")?.filled(MAX_TEXT)?.to_owned(),
        input: message.require("input")?.value.clone(),
    })
}

fn token_update(message: &Node<'_, '_>) -> Result<ClientMessage> {
    message.only(&["type", "token"])?;
    let token = Secret::new(message.require("token")?.filled(MAX_TOKEN)?);
    Ok(ClientMessage::TokenUpdate { token })
}

/// Reads the input of a `response.steer`: a string, or messages of the user.
///
/// # Errors
/// What is wrong with it, naming the parameter.
pub fn steer_input(input: Value) -> Result<Vec<Item>, ApiError> {
    let message = serde_json::json!({ "input": input });
    let message = Node::root(&message);
    let list = message.require("input")?;
    input::check_input(&list)?;
    if !list.value.is_string() {
        for item in list.elements()? {
            item.optional("type", |kind| kind.one_of(&["message"]))?;
            item.require("role")?.one_of(&["user"])?;
        }
    }
    match input::into_items(input) {
        items if items.is_empty() => Err(list.empty("array")),
        items => Ok(items),
    }
}

/// The lane of a message that is too deep to be read whole, if that much of it is JSON.
fn lane_of_unreadable(text: &str) -> Option<String> {
    /// What is not named here is skipped without recursion, however deep it is.
    #[derive(Deserialize)]
    struct Lane {
        stream_id: Option<String>,
    }
    let lane: Lane = serde_json::from_str(text).ok()?;
    lane.stream_id.filter(|id| envelope::is_stream_id(id))
}
