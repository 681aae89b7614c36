//! What a frame is made of.

use serde_json::Value;

use super::{Batch, messagepack};
use crate::{
    ApiError, ClientMessage, Rejected,
    parse::{client_message, client_value, json},
};

/// How messages are written in frames, as the subprotocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `narthex.v1.json`: one JSON object in a text frame.
    Json,
    /// `narthex.v1.msgpack`: a list of events in a binary frame.
    MessagePack,
    /// `narthex.v1.proto`: a `ServerFrame` or `ClientFrame` of `proto/narthex/v1/socket.proto` in a binary frame.
    Protobuf,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 3] = [Self::Json, Self::MessagePack, Self::Protobuf];

    /// The subprotocol that asks for it.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "narthex.v1.json",
            Self::MessagePack => "narthex.v1.msgpack",
            Self::Protobuf => "narthex.v1.proto",
        }
    }

    /// The encoding that a subprotocol asks for, if it is one of ours.
    pub fn of_subprotocol(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.subprotocol() == name)
    }

    /// Where events are gathered for a frame; `None` where each has one of its own.
    pub const fn batch(self) -> Option<Batch> {
        match self {
            Self::Json => None,
            Self::MessagePack | Self::Protobuf => Some(Batch::new(self)),
        }
    }

    /// Reads what a client sent in a binary frame. (In a text frame it is JSON, whatever the encoding.)
    ///
    /// # Errors
    /// What is wrong with it, naming the parameter; the connection lives on.
    pub fn read(self, frame: &[u8], max_depth: usize) -> Result<ClientMessage, Rejected> {
        let refuse = |error| Rejected { error, stream_id: None };
        match self {
            Self::Json => {
                let message = "Messages are JSON in text frames here. For binary frames offer the subprotocol `narthex.v1.msgpack` or \
                               `narthex.v1.proto`.";
                Err(refuse(error("binary_not_supported", message.to_owned())))
            }
            Self::MessagePack => match messagepack::read(frame, max_depth) {
                Ok(Value::Object(members)) => client_value(Value::Object(members)),
                Ok(other) => {
                    let kind = json::kind(&other);
                    Err(refuse(error(
                        "invalid_type",
                        format!("Invalid frame: expected a map, but got {kind}."),
                    )))
                }
                Err(e) => {
                    Err(refuse(error("invalid_messagepack", format!("Invalid frame: not MessagePack: {e}."))))
                }
            },
            Self::Protobuf => match proto::socket::client_message(frame) {
                Ok(text) => client_message(&text, max_depth),
                Err(_) => {
                    let message = "Invalid frame: not a `ClientFrame` in Protobuf.".to_owned();
                    Err(refuse(error("invalid_protobuf", message)))
                }
            },
        }
    }
}

fn error(code: &str, message: String) -> ApiError {
    ApiError { param: None, ..ApiError::invalid("", code, message) }
}
