//! What clients say on a WebSocket.

use serde::Deserialize;
use serde_json::Value;

use super::{
    create::{self, Create, Door},
    envelope, input, json,
    node::{MAX_TEXT, Node, Result},
};
use crate::{ApiError, Item, Secret, session::PublicKey};

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
    /// How the client wants the connection: `narthex:session.update`, an extension.
    SessionUpdate(SessionUpdate),
    /// The client can take so many events more: `narthex:credit`, an extension.
    Credit(u32),
    /// The events of a response, from where the client left off: `narthex:response.resume`, an extension.
    Resume(Resume),
    /// A response shall end: `narthex:response.cancel`, an extension.
    Cancel {
        /// The response.
        response_id: String,
    },
}

impl ClientMessage {
    /// The `type` of the message.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "response.create",
            Self::Steer { .. } => "response.steer",
            Self::TokenUpdate { .. } => "narthex:token.update",
            Self::SessionUpdate(_) => "narthex:session.update",
            Self::Credit(_) => "narthex:credit",
            Self::Resume(_) => "narthex:response.resume",
            Self::Cancel { .. } => "narthex:response.cancel",
        }
    }
}

/// What `narthex:session.update` asks for. What it does not name stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionUpdate {
    /// From now on events are told only against credit; there is so much of it to begin with.
    pub credit: Option<u32>,
    /// From now on frames are signed; this is the client's part of the key.
    pub signing: Option<PublicKey>,
}

/// What `narthex:response.resume` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The response, as the client names it.
    pub response_id: String,
    /// The last event that the client has; without it, all of them.
    pub starting_after: Option<u64>,
    /// The lane that the events are told in.
    pub stream_id: Option<String>,
}

/// At most so much credit can be given, in one message and in all; what is above it has no effect.
pub const MAX_CREDIT: u32 = 1_000_000;

/// A message that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong with it.
    pub error: ApiError,
    /// The lane that it was meant for, if that could be read.
    pub stream_id: Option<String>,
}

/// The types of messages.
const TYPES: [&str; 7] = [
    "response.create",
    "response.steer",
    "narthex:token.update",
    "narthex:session.update",
    "narthex:credit",
    "narthex:response.resume",
    "narthex:response.cancel",
];

/// Reads one text message.
///
/// # Errors
/// What is wrong with it, naming the parameter; the connection lives on.
pub fn client_message(text: &str, max_depth: usize) -> Result<ClientMessage, Rejected> {
    let members = json::read_object(text.as_bytes(), max_depth)
        .map_err(|error| Rejected { error, stream_id: lane_of_unreadable(text) })?;
    client_value(Value::Object(members))
}

/// The same of a message that was read already, from whatever encoding.
pub(crate) fn client_value(value: Value) -> Result<ClientMessage, Rejected> {
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
        "narthex:session.update" => session_update(&message),
        "narthex:credit" => credit(&message),
        "narthex:response.resume" => resume(&message),
        "narthex:response.cancel" => cancel(&message),
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

fn session_update(message: &Node<'_, '_>) -> Result<ClientMessage> {
    message.only(&["type", "credit", "signing"])?;
    let credit = message.optional("credit", |credit| credit_of(credit, 0))?;
    let signing = message.optional("signing", |signing| {
        signing.only(&["public_key"])?;
        let key = signing.require("public_key")?;
        PublicKey::parse(key.filled(MAX_TEXT)?).ok_or_else(|| {
            key.error(
                "invalid_value",
                "Invalid 'signing.public_key': expected an X25519 public key, 32 bytes in base64url.",
            )
        })
    })?;
    Ok(ClientMessage::SessionUpdate(SessionUpdate { credit, signing }))
}

fn credit(message: &Node<'_, '_>) -> Result<ClientMessage> {
    message.only(&["type", "events"])?;
    credit_of(&message.require("events")?, 1).map(ClientMessage::Credit)
}

fn credit_of(node: &Node<'_, '_>, least: u64) -> Result<u32> {
    // It fits: the bound does.
    node.integer(least..=MAX_CREDIT.into()).map(|credit| credit as u32)
}

fn resume(message: &Node<'_, '_>) -> Result<ClientMessage> {
    message.only(&["type", "response_id", "starting_after", "stream_id"])?;
    Ok(ClientMessage::Resume(Resume {
        response_id: message.require("response_id")?.filled(MAX_TEXT)?.to_owned(),
        starting_after: message.optional("starting_after", |number| number.integer(0..=i64::MAX as u64))?,
        stream_id: envelope::stream_id(message)?,
    }))
}

fn cancel(message: &Node<'_, '_>) -> Result<ClientMessage> {
    message.only(&["type", "response_id"])?;
    Ok(ClientMessage::Cancel { response_id: message.require("response_id")?.filled(MAX_TEXT)?.to_owned() })
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
