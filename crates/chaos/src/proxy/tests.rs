use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time,
};

use super::{Flow, Proxy, Weather};

/// What is not there by then does not come.
const SOON: Duration = Duration::from_millis(100);

async fn scene() -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = Proxy::start(Some(listener.local_addr().unwrap())).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (proxy, client, server)
}

async fn hear(stream: &mut TcpStream) -> io::Result<String> {
    let mut piece = [0; 64];
    let length = stream.read(&mut piece).await?;
    Ok(String::from_utf8_lossy(&piece[..length]).into_owned())
}

#[tokio::test]
async fn it_carries_both_ways_and_ends_in_peace() {
    let (_proxy, mut client, mut server) = scene().await;
    client.write_all(b"question").await.unwrap();
    assert_eq!(hear(&mut server).await.unwrap(), "question");
    server.write_all(b"answer").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(hear(&mut client).await.unwrap(), "answer");
    assert_eq!(hear(&mut client).await.unwrap(), "");
    drop(client);
    assert_eq!(hear(&mut server).await.unwrap(), "");
}

#[tokio::test]
async fn a_cut_line_is_reset_on_both_sides() {
    let (proxy, mut client, mut server) = scene().await;
    client.write_all(b"question").await.unwrap();
    assert_eq!(hear(&mut server).await.unwrap(), "question");
    assert_eq!(proxy.cut(|| false), 0);
    assert_eq!(proxy.cut(|| true), 1);
    for side in [&mut client, &mut server] {
        assert_eq!(hear(side).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn what_is_held_comes_later_and_the_other_way_is_open() {
    let (proxy, mut client, mut server) = scene().await;
    proxy.set(Weather { to_server: Flow::Held, ..Weather::default() });
    client.write_all(b"question").await.unwrap();
    server.write_all(b"news").await.unwrap();
    assert_eq!(hear(&mut client).await.unwrap(), "news");
    assert!(time::timeout(SOON, hear(&mut server)).await.is_err());
    proxy.set(Weather::default());
    assert_eq!(hear(&mut server).await.unwrap(), "question");
}

#[tokio::test]
async fn new_lines_go_where_it_leads_and_old_ones_stay() {
    let (proxy, mut client, mut server) = scene().await;
    let successor = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    proxy.lead_to(successor.local_addr().ok());
    let mut new_client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut new_server, _) = successor.accept().await.unwrap();
    new_client.write_all(b"new").await.unwrap();
    assert_eq!(hear(&mut new_server).await.unwrap(), "new");
    client.write_all(b"old").await.unwrap();
    assert_eq!(hear(&mut server).await.unwrap(), "old");
}

#[tokio::test]
async fn who_leads_nowhere_resets() {
    let nowhere: Option<SocketAddr> = None;
    let proxy = Proxy::start(nowhere).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(hear(&mut client).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}
