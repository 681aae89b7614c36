//! Connections from an address of the attack's own, and what is answered on them, in a word or two.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{SinkExt as _, Stream, StreamExt as _};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

use super::super::attacker::Abuser;

/// Nothing that is answered at all takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection; of `room` bytes what comes is taken in.
pub(super) async fn connect(abuser: &Abuser, room: Option<u32>) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(room) = room {
        socket.set_recv_buffer_size(room)?;
    }
    socket.bind(SocketAddr::from((abuser.address, 0)))?;
    let stream = socket.connect(abuser.orders.gateway).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A WebSocket with this key; what is answered instead.
pub(super) async fn upgrade(
    abuser: &Abuser,
    stream: TcpStream,
    key: &str,
) -> Result<WebSocketStream<TcpStream>, String> {
    let url = format!("ws://{}/v1/responses", abuser.orders.gateway);
    let mut request = url.into_client_request().map_err(|error| error.to_string())?;
    let bearer = format!("Bearer {key}").parse().map_err(|_| "a key that is no header")?;
    request.headers_mut().insert("authorization", bearer);
    match time::timeout(PATIENCE, client_async(request, stream)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(answer))) => {
            Err(named(answer.status().as_u16(), answer.body().as_deref().unwrap_or_default()))
        }
        Ok(Err(_)) => Err("dropped".to_owned()),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// A WebSocket with the abuser's key. If there is none, that is noted.
pub(super) async fn socket(abuser: &Abuser) -> Option<WebSocketStream<TcpStream>> {
    let opened = match connect(abuser, None).await {
        Ok(stream) => upgrade(abuser, stream, &abuser.orders.keys.abuser).await,
        Err(_) => Err("no connection".to_owned()),
    };
    opened.map_err(|answer| abuser.hear(answer)).ok()
}

/// Sends what `next` makes, `batch` at every beat of `beat`, and notes what is answered, until the connection ends.
pub(super) async fn talk(
    abuser: &Abuser,
    socket: WebSocketStream<TcpStream>,
    beat: Duration,
    batch: u64,
    mut next: impl FnMut() -> Option<Message>,
) {
    let (mut sink, stream) = socket.split();
    let saying = async {
        let mut beats = time::interval(beat);
        'all: loop {
            beats.tick().await;
            for _ in 0..batch {
                let Some(message) = next() else { break 'all };
                if sink.feed(message).await.is_err() {
                    break 'all;
                }
                abuser.did(1);
            }
            if sink.flush().await.is_err() {
                break;
            }
        }
        let _ = sink.flush().await;
        // The answer decides when this is over.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = saying => {}
        () = listen(abuser, stream) => {}
    }
}

/// Notes what is answered, until the connection ends.
pub(super) async fn listen(
    abuser: &Abuser,
    mut stream: impl Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
) {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                let event: Value = serde_json::from_str(&text).unwrap_or_default();
                match event["error"]["code"].as_str() {
                    Some(code) if event["type"] == "error" => abuser.hear(format!("error {code}")),
                    _ => abuser.hear("event"),
                }
            }
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map_or(1005, |frame| frame.code.into());
                return abuser.hear(format!("close {code}"));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return abuser.hear("dropped"),
        }
    }
}

/// Sends bytes, and notes the status and the code of what is answered to them.
pub(super) async fn say(abuser: &Abuser, bytes: &[u8]) {
    abuser.did(1);
    let Ok(mut stream) = connect(abuser, None).await else { return abuser.hear("no connection") };
    let mut answer = Vec::new();
    let asking = async {
        stream.write_all(bytes).await?;
        stream.read_to_end(&mut answer).await
    };
    let _ = time::timeout(PATIENCE, asking).await;
    abuser.hear(read(&answer));
}

/// What stands in an answer.
fn read(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let Some(status) = status else { return "dropped".to_owned() };
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    named(status, body.as_bytes())
}

/// A status, and the code of its error.
pub(super) fn named(status: u16, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match body["error"]["code"].as_str() {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}
