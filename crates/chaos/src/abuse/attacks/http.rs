//! Over HTTP: floods, nonsense, and keys that open nothing.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use tokio::time;

use super::{
    super::attacker::Abuser,
    wire::{connect, named, say, upgrade},
};
use crate::cluster::MODEL;

/// A token that says of itself that nobody has signed it.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJob25lc3QiLCJleHAiOjQxMDI0NDQ4MDB9.";

/// Announces far more than is allowed, and sends none of it.
pub(super) async fn oversized(abuser: &Arc<Abuser>) {
    let key = &abuser.orders.keys.abuser;
    let head = format!(
        "POST /v1/responses HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: 9000000\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
    );
    say(abuser, head.as_bytes()).await;
}

pub(super) async fn garbage(abuser: &Arc<Abuser>) {
    say(abuser, b"\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n").await;
}

/// About 15 a second; half of them at the door of WebSockets.
pub(super) async fn credentials(abuser: &Arc<Abuser>) {
    let keys = &abuser.orders.keys;
    let made_up = format!("nk_{}", "0".repeat(48));
    for key in [&made_up, &keys.expired, &keys.revoked, &keys.client_secret, UNSIGNED] {
        let head = format!(
            "GET /v1/models HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
        );
        say(abuser, head.as_bytes()).await;
        abuser.did(1);
        let Ok(stream) = connect(abuser, None).await else {
            abuser.hear("no connection");
            continue;
        };
        match upgrade(abuser, stream, key).await {
            Ok(_) => abuser.hear("101"),
            Err(answer) => abuser.hear(answer),
        }
    }
}

/// 200 a second on a few connections, with a key that may ask ten times a minute.
pub(super) async fn flood(abuser: &Arc<Abuser>) {
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(abuser.address.into()));
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(8).build(connector);
    let good = json!({"model": MODEL, "input": "Again. [[tokens=1]]"}).to_string();
    let asks = [
        (Method::POST, "responses", "{\"model\": "),
        (Method::POST, "responses", &good),
        (Method::GET, "x", ""),
    ];
    let mut beats = time::interval(Duration::from_millis(20));
    loop {
        beats.tick().await;
        let asking = (0..4).map(|number| {
            let (method, path, body) = &asks[number % asks.len()];
            let request = Request::builder()
                .method(method)
                .uri(format!("http://{}/v1/{path}", abuser.orders.gateway))
                .header("authorization", format!("Bearer {}", abuser.orders.keys.limited))
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from((*body).to_owned())));
            async {
                abuser.did(1);
                let answer = match request {
                    Ok(request) => client.request(request).await,
                    Err(_) => return,
                };
                let Ok(answer) = answer else { return abuser.hear("dropped") };
                let status = answer.status().as_u16();
                match answer.into_body().collect().await {
                    Ok(body) => abuser.hear(named(status, &body.to_bytes())),
                    Err(_) => abuser.hear("dropped"),
                }
            }
        });
        futures_util::future::join_all(asking).await;
    }
}
