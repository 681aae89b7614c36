//! A WebSocket from a client's side.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::DuplexStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::Told;

/// A connection.
pub(super) struct Socket(WebSocketStream<DuplexStream>);

impl Socket {
    /// Opens it, if the gateway takes it.
    pub(super) async fn open(stream: DuplexStream) -> Option<Self> {
        Some(Self(client_async("ws://narthex/v1/responses", stream).await.ok()?.0))
    }

    pub(super) async fn send(&mut self, message: &Value) -> Option<()> {
        self.0.send(Message::text(message.to_string())).await.ok()
    }

    /// What comes next. Cancel safe.
    pub(super) async fn next(&mut self) -> Told {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Told::Event(text.as_str().to_owned()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Told::Lost,
                Some(Ok(_)) => {}
            }
        }
    }
}
