//! What a server is spoken to in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The protocol between clients and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Open Responses on a WebSocket, as everyone speaks it.
    #[default]
    Websocket,
    /// `narthex.v1.json`.
    Json,
    /// `narthex.v1.msgpack`: several events in a frame.
    Msgpack,
    /// `narthex.v1.proto`: likewise.
    Proto,
    /// Open Responses over HTTP, as server-sent events.
    Sse,
    /// Chat Completions over HTTP, as server-sent events: what model servers speak.
    Chat,
    /// The pattern of `bench/peers`: a prompt in, one JSON text frame for each token out.
    Peer,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Websocket, Self::Json, Self::Msgpack, Self::Proto, Self::Sse, Self::Chat, Self::Peer];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Json => "json",
            Self::Msgpack => "msgpack",
            Self::Proto => "proto",
            Self::Sse => "sse",
            Self::Chat => "chat",
            Self::Peer => "peer",
        }
    }

    /// What is offered as `Sec-WebSocket-Protocol`.
    pub(crate) const fn subprotocol(self) -> Option<&'static str> {
        match self {
            Self::Json => Some("narthex.v1.json"),
            Self::Msgpack => Some("narthex.v1.msgpack"),
            Self::Proto => Some("narthex.v1.proto"),
            _ => None,
        }
    }

    /// Whether a client talks over HTTP, one request for each stream.
    pub(crate) const fn is_http(self) -> bool {
        matches!(self, Self::Sse | Self::Chat)
    }

    /// Whether a stream can be taken up again on another connection.
    pub const fn can_resume(self) -> bool {
        matches!(self, Self::Json | Self::Msgpack | Self::Proto | Self::Sse)
    }

    /// Where a server listens for it, beside its base URL. A peer's URL is whole.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Peer => "",
            _ => "/responses",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name)
            .ok_or_else(|| format!("it is one of {}", names()))
    }
}
