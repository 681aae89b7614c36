//! Clients that ask and do not read, or hardly.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, future::join_all};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    super::attacker::Abuser,
    wire::{connect, upgrade},
};
use crate::cluster::MODEL;

/// What such a client takes in.
const ROOM: u32 = 4 * 1024;

/// Ten that have their nonsense answered, and are silent then for longer than the gateway waits for a sign of life.
pub(super) async fn never(abuser: &Arc<Abuser>) {
    join_all((0..10).map(|_| async {
        let Ok(stream) = connect(abuser, Some(ROOM)).await else { return abuser.hear("no connection") };
        let mut socket = match upgrade(abuser, stream, &abuser.orders.keys.abuser).await {
            Ok(socket) => socket,
            Err(answer) => return abuser.hear(answer),
        };
        abuser.did(1);
        for _ in 0..150 {
            let nonsense = Message::text("x".repeat(1000));
            if !matches!(time::timeout(Duration::from_millis(500), socket.send(nonsense)).await, Ok(Ok(()))) {
                break;
            }
        }
        time::sleep(Duration::from_secs(7)).await;
        abuser.hear(if is_over(socket.get_mut()).await { "dropped" } else { "kept" });
    }))
    .await;
}

/// Whether there is an end behind what was not read.
async fn is_over(stream: &mut TcpStream) -> bool {
    let mut unread = [0; 4096];
    let reading = async { while stream.read(&mut unread).await.is_ok_and(|length| length > 0) {} };
    time::timeout(Duration::from_secs(1), reading).await.is_ok()
}

/// Three that read 500 bytes a second of a stream that has 20,000.
pub(super) async fn slowly(abuser: &Arc<Abuser>) {
    let body =
        json!({"model": MODEL, "input": "Slowly. [[tokens=150 delay_ms=10]]", "stream": true}).to_string();
    let key = &abuser.orders.keys.abuser;
    let request = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    join_all((0..3).map(|_| async {
        let Ok(mut stream) = connect(abuser, Some(ROOM)).await else { return abuser.hear("no connection") };
        abuser.did(1);
        let (mut beats, mut piece) = (time::interval(Duration::from_millis(100)), [0; 50]);
        if stream.write_all(request.as_bytes()).await.is_err()
            || stream.read_exact(&mut piece[..12]).await.is_err()
        {
            return abuser.hear("dropped");
        }
        abuser.hear(String::from_utf8_lossy(&piece[9..12]));
        while stream.read(&mut piece).await.is_ok_and(|length| length > 0) {
            beats.tick().await;
        }
    }))
    .await;
}
