//! A client of `narthex.v1`: it speaks each encoding, and signs.
//!
//! What it hears is told as the JSON that `narthex.v1.json` has, so that a test says once what is to be heard.

use std::{collections::VecDeque, net::SocketAddr};

use futures_util::{SinkExt as _, StreamExt as _};
use prost::Message as _;
use proto::socket::{Entry, ServerFrame, TextDelta};
use protocol::session::{
    Encoding, PublicKey,
    signing::{Binding, KeyPair, Side, Signer, Verifier},
};
use serde_json::{Value, json};
use stream::EventKind;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::client::Socket;

/// A WebSocket that speaks the extension.
#[derive(Debug)]
pub struct Session {
    socket: Socket,
    encoding: Encoding,
    signing: Option<(Signer, Verifier)>,
    heard: VecDeque<Value>,
    /// How many frames with events have come.
    pub frames: usize,
    /// The bytes in them.
    pub bytes: usize,
}

impl Session {
    /// Connects, and takes the gateway's greeting.
    ///
    /// # Panics
    /// When the gateway refuses, or does not speak the extension.
    pub async fn connect(address: SocketAddr, encoding: Encoding, token: Option<&str>) -> Self {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("sec-websocket-protocol", encoding.subprotocol())];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let (socket, answer) = Socket::try_connect(address, &headers).await.expect("a WebSocket");
        assert_eq!(answer["sec-websocket-protocol"], encoding.subprotocol(), "what was asked for is chosen");
        let mut session =
            Self { socket, encoding, signing: None, heard: VecDeque::new(), frames: 0, bytes: 0 };
        let created = session.next().await;
        assert_eq!(created["type"], "narthex:session.created");
        assert_eq!(created["subprotocol"], encoding.subprotocol());
        session
    }

    /// Agrees on keys with the gateway; from then on frames are signed.
    ///
    /// # Panics
    /// When the gateway does not.
    pub async fn sign(&mut self, credential: &str) {
        let pair = KeyPair::new().expect("a key");
        let public_key = pair.public_key().to_text();
        self.send(json!({"type": "narthex:session.update", "signing": {"public_key": public_key}})).await;
        let updated = self.next().await;
        let theirs = updated["signing"]["public_key"].as_str().and_then(PublicKey::parse).expect("their key");
        let keys = pair.agree(Side::Client, &theirs, &Binding::to(credential)).expect("keys");
        self.signing = Some(keys);
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        let frame = self.frame(&message);
        self.send_raw(frame).await;
    }

    /// A message as the next frame.
    pub fn frame(&mut self, message: &Value) -> Message {
        let content = match self.encoding {
            Encoding::Json => {
                let text = message.to_string();
                return Message::text(match &mut self.signing {
                    Some((signer, _)) => signer.sign_text(&text),
                    None => text,
                });
            }
            Encoding::MessagePack => rmp_serde::to_vec_named(message).expect("MessagePack"),
            Encoding::Protobuf => proto::socket::ClientFrame { message: message.to_string() }.encode_to_vec(),
        };
        Message::binary(match &mut self.signing {
            Some((signer, _)) => signer.sign_binary(&content),
            None => content,
        })
    }

    /// Sends any frame.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send_raw(&mut self, frame: Message) {
        self.socket.0.send(frame).await.expect("an open connection");
    }

    /// The next event.
    ///
    /// # Panics
    /// When the connection ends instead, or a frame is not what was agreed on.
    pub async fn next(&mut self) -> Value {
        loop {
            if let Some(event) = self.heard.pop_front() {
                return event;
            }
            match self.socket.0.next().await.expect("an open connection").expect("a message") {
                Message::Text(text) => {
                    let text = self.open_text(&text);
                    self.heard.push_back(serde_json::from_str(&text).expect("JSON"));
                }
                Message::Binary(frame) => {
                    self.frames += 1;
                    self.bytes += frame.len();
                    let content = match &mut self.signing {
                        Some((_, verifier)) => verifier.open_binary(&frame).expect("a signed frame"),
                        None => &frame,
                    };
                    self.heard.extend(match self.encoding {
                        Encoding::MessagePack => unpack(content),
                        Encoding::Protobuf => decode(content),
                        Encoding::Json => panic!("a binary frame that nobody asked for"),
                    });
                }
                Message::Close(frame) => panic!("the connection was closed: {frame:?}"),
                _ => {}
            }
        }
    }

    fn open_text(&mut self, text: &Utf8Bytes) -> String {
        assert_eq!(self.encoding, Encoding::Json, "a text frame that nobody asked for");
        self.frames += 1;
        self.bytes += text.len();
        match &mut self.signing {
            Some((_, verifier)) => verifier.open_text(text).expect("a signed frame").to_owned(),
            None => text.to_string(),
        }
    }

    /// Events up to and including the first terminal one, or an error of the socket's own.
    pub async fn turn(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await;
            let kind = event["type"].as_str().unwrap_or_default().to_owned();
            events.push(event);
            if matches!(
                kind.as_str(),
                "response.completed" | "response.failed" | "response.incomplete" | "error"
            ) {
                return events;
            }
        }
    }

    /// Waits for the connection's end: the code with which it was closed, if it was.
    pub async fn closed(&mut self) -> Option<u16> {
        self.socket.closed().await
    }
}

fn unpack(frame: &[u8]) -> Vec<Value> {
    let entries: Vec<Value> = rmp_serde::from_slice(frame).expect("MessagePack");
    let delta = |entry: &[Value]| {
        let number = |at: usize| entry.get(at).and_then(Value::as_u64);
        let text = |at: usize| entry.get(at).and_then(Value::as_str).map(str::to_owned);
        TextDelta {
            kind: number(0).expect("a kind") as u32,
            sequence_number: number(1).expect("a number"),
            output_index: number(2).expect("an item") as u32,
            part_index: number(3).expect("a part") as u32,
            delta: text(4).expect("a text"),
            stream_id: text(5),
            merged_from: number(6),
            logprobs: entry.get(7).map(Value::to_string),
        }
    };
    let event = |entry: Value| entry.as_array().map(|entry| told(&delta(entry))).unwrap_or(entry);
    entries.into_iter().map(event).collect()
}

fn decode(frame: &[u8]) -> Vec<Value> {
    let entries = ServerFrame::decode(frame).expect("a frame").entries.into_iter();
    let event = |entry: Entry| match entry {
        Entry::Delta(delta) => told(&delta),
        Entry::Event(json) => serde_json::from_str(&json).expect("JSON"),
    };
    entries.map(|entry| event(entry.entry.expect("an event"))).collect()
}

/// A delta as its event.
fn told(delta: &TextDelta) -> Value {
    let kind = EventKind::from_number(delta.kind as u8).expect("a type that is known");
    let mut event = json!({
        "type": kind.name(),
        "sequence_number": delta.sequence_number,
        "output_index": delta.output_index,
        "content_index": delta.part_index,
        "delta": delta.delta,
    });
    for (name, value) in [
        ("stream_id", delta.stream_id.clone().map(Value::from)),
        ("narthex:merged_from", delta.merged_from.map(Value::from)),
        ("logprobs", delta.logprobs.as_ref().and_then(|logprobs| serde_json::from_str(logprobs).ok())),
    ] {
        if let Some(value) = value {
            event[name] = value;
        }
    }
    event
}
