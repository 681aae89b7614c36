//! How a connection ends: why, and what is still said.

use std::time::Duration;

use protocol::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message, error::CapacityError, protocol::CloseFrame};

use super::socket::Socket;

/// How long a closing handshake, or a last error to a client that does not read, may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a connection ends.
pub(super) struct End {
    pub(super) goodbye: Option<Goodbye>,
    pub(super) why: &'static str,
}

/// What is still to be said.
pub(super) enum Goodbye {
    /// Why we close.
    Close(CloseCode),
    /// The client closes, and waits for the same from here.
    Answer,
}

impl End {
    /// What a connection ends with that was lost, or whose client broke the protocol.
    pub(super) fn of(error: Option<tungstenite::Error>) -> Self {
        match error {
            Some(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. })) => {
                Self::close(CloseCode::TooLarge, "message too large")
            }
            Some(tungstenite::Error::Utf8(_)) => Self::close(CloseCode::InvalidData, "invalid UTF-8"),
            Some(tungstenite::Error::Protocol(error)) => {
                tracing::debug!(%error, "a client broke the WebSocket protocol");
                Self::close(CloseCode::ProtocolError, "protocol error")
            }
            _ => Self { goodbye: None, why: "client gone" },
        }
    }

    /// Closed from here.
    pub(super) const fn close(code: CloseCode, why: &'static str) -> Self {
        Self { goodbye: Some(Goodbye::Close(code)), why }
    }
}

impl Goodbye {
    /// Says what is to be said, and goes. Bounded: a client that does not read is left.
    pub(super) async fn say(self, socket: &mut Socket) {
        if let Self::Close(code) = self {
            let frame = CloseFrame { code: code.number().into(), reason: code.reason().into() };
            let _ = socket.write(Message::Close(Some(frame)));
        }
        let _ = tokio::time::timeout(PATIENCE, socket.part()).await;
    }
}
