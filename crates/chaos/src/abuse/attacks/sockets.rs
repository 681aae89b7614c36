//! On a WebSocket: too many messages, too large ones, and what is none.

use std::{iter, sync::Arc, time::Duration};

use futures_util::SinkExt as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{
    super::attacker::Abuser,
    wire::{listen, socket, talk},
};
use crate::cluster::MODEL;

/// 2,000 a second.
const BEAT: Duration = Duration::from_millis(20);
const BATCH: u64 = 40;

pub(super) async fn messages(abuser: &Arc<Abuser>) {
    let Some(socket) = socket(abuser).await else { return };
    talk(abuser, socket, BEAT, BATCH, || Some(Message::text("{\"type\": \"response.sing\"}"))).await;
}

pub(super) async fn pings(abuser: &Arc<Abuser>) {
    let Some(socket) = socket(abuser).await else { return };
    talk(abuser, socket, BEAT, BATCH, || Some(Message::Ping("again".into()))).await;
}

/// 20,000 a second.
pub(super) async fn fragments(abuser: &Arc<Abuser>) {
    let Some(socket) = socket(abuser).await else { return };
    let mut codes = iter::once(Data::Text).chain(iter::repeat(Data::Continue));
    let next = || {
        codes.next().map(|code| Message::Frame(Frame::message(b"x".as_slice(), OpCode::Data(code), false)))
    };
    talk(abuser, socket, BEAT, 10 * BATCH, next).await;
}

pub(super) async fn oversized(abuser: &Arc<Abuser>) {
    let Some(socket) = socket(abuser).await else { return };
    let mut messages = iter::once(Message::text("x".repeat(3 << 20)));
    talk(abuser, socket, BEAT, 1, || messages.next()).await;
}

pub(super) async fn garbage(abuser: &Arc<Abuser>) {
    if let Some(mut socket) = socket(abuser).await {
        abuser.did(1);
        let _ = socket.get_mut().write_all(&[0xff; 4096]).await;
        listen(abuser, socket).await;
    }
    let no_text = Frame::message(b"\xc3\x28".as_slice(), OpCode::Data(Data::Text), true);
    for message in [Message::Frame(no_text), Message::binary(vec![0; 100])] {
        let Some(mut socket) = socket(abuser).await else { continue };
        abuser.did(1);
        let is_binary = message.is_binary();
        let _ = socket.send(message).await;
        if is_binary {
            // It may go on after that: it says goodbye itself.
            let _ = socket.close(None).await;
        }
        listen(abuser, socket).await;
    }
}

/// 40 lanes, and 80 turns in one of them.
pub(super) async fn lanes(abuser: &Arc<Abuser>) {
    let Some(socket) = socket(abuser).await else { return };
    let create = |lane: usize| {
        let input = "Again. [[tokens=2]]";
        let message = json!({"type": "response.create", "model": MODEL, "input": input, "stream_id": format!("lane-{lane}")});
        Message::text(message.to_string())
    };
    let mut messages = (0..40).chain(iter::repeat_n(0, 80)).map(create);
    let talking = talk(abuser, socket, Duration::from_secs(1), 120, || messages.next());
    let _ = tokio::time::timeout(Duration::from_secs(4), talking).await;
}
