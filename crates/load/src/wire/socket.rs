//! A WebSocket: Open Responses, `narthex.v1`, or the peers' own.

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use prost::Message as _;
use serde_json::{Value, json};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, Message, client::IntoClientRequest as _, protocol::WebSocketConfig},
};

use super::Gone;
use crate::{
    Dialect, Load,
    address::Target,
    heard::{self, Heard},
    tls::Stream,
};

/// Each connection has such a buffer from the beginning.
const READ_BUFFER: usize = 4 * 1024;

/// Peers want to be told how long an answer may be.
const PEER_TOKENS: u64 = 4096;

#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<Stream>,
    dialect: Dialect,
    was_pinged: bool,
}

impl From<tungstenite::Error> for Gone {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Io(error) => error.into(),
            tungstenite::Error::Http(answer) => Self(format!("http_{}", answer.status().as_u16())),
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
                Self("closed".to_owned())
            }
            _ => Self("websocket".to_owned()),
        }
    }
}

impl Socket {
    pub(super) async fn open(load: &Load, target: &Target, stream: Stream) -> Result<Self, Gone> {
        let url = format!("ws://{}{}", target.authority, target.path);
        let mut request = url.into_client_request()?;
        let value = |text: &str| text.parse().map_err(|_| Gone("not_a_header".to_owned()));
        if let Some(name) = load.dialect.subprotocol() {
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value(name)?);
        }
        if let Some(key) = &load.key {
            request.headers_mut().insert(AUTHORIZATION, value(&format!("Bearer {key}"))?);
        }
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(0);
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await?;
        Ok(Self { stream, dialect: load.dialect, was_pinged: false })
    }

    pub(super) async fn ask(&mut self, load: &Load) -> Result<(), Gone> {
        if self.dialect == Dialect::Peer {
            let max_tokens = load.max_tokens.unwrap_or(PEER_TOKENS);
            let ask = json!({ "prompt": load.prompt, "model": load.model, "max_tokens": max_tokens });
            return self.send(&ask).await;
        }
        let mut request = json!({ "type": "response.create", "model": load.model, "input": load.prompt });
        if let Some(max_tokens) = load.max_tokens {
            request["max_output_tokens"] = max_tokens.into();
        }
        self.send(&request).await
    }

    pub(super) async fn resume(&mut self, response: &str, starting_after: Option<u64>) -> Result<(), Gone> {
        let mut request = json!({ "type": "narthex:response.resume", "response_id": response });
        if let Some(number) = starting_after {
            request["starting_after"] = number.into();
        }
        self.send(&request).await
    }

    async fn send(&mut self, message: &Value) -> Result<(), Gone> {
        let frame = match self.dialect {
            Dialect::Msgpack => {
                Message::binary(rmp_serde::to_vec_named(message).map_err(|_| Gone("websocket".to_owned()))?)
            }
            Dialect::Proto => {
                let frame = proto::socket::ClientFrame { message: message.to_string() };
                Message::binary(frame.encode_to_vec())
            }
            _ => Message::text(message.to_string()),
        };
        Ok(self.stream.send(frame).await?)
    }

    pub(super) async fn next(&mut self, take: &mut impl FnMut(Heard<'_>)) -> Result<(), Gone> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) if self.dialect == Dialect::Peer => heard::peer(&text, take),
            Some(Ok(Message::Text(text))) => heard::event(&text, take),
            Some(Ok(Message::Binary(frame))) if self.dialect == Dialect::Proto => {
                heard::protobuf(&frame, take)
            }
            Some(Ok(Message::Binary(frame))) => heard::message_pack(&frame, take),
            Some(Ok(Message::Close(Some(frame)))) => {
                return Err(Gone(format!("closed_{}", u16::from(frame.code))));
            }
            Some(Ok(Message::Close(None))) | None => return Err(Gone("closed".to_owned())),
            Some(Ok(Message::Ping(_))) if !std::mem::replace(&mut self.was_pinged, true) => {
                take(Heard::Pinged)
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
        }
        Ok(())
    }
}
