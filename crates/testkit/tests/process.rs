//! The scripted model server as a process, as tests in other languages use it.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::process::Stdio;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Incoming};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

async fn send(request: Request<Full<Bytes>>) -> Value {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let body: Incoming = client.request(request).await.unwrap().into_body();
    serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn it_prints_its_url_and_tells_what_happened() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_model-server"))
        .args(["--script", "tokens=3", "--model", "slow:delay_ms=1 tokens=2", "--model", "plain"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = lines.next_line().await.unwrap().unwrap();
    let origin = url.strip_suffix("/v1").unwrap();

    let models = send(Request::get(format!("{url}/models")).body(Full::default()).unwrap()).await;
    assert_eq!(models["data"].as_array().unwrap().len(), 2);

    let body = json!({ "model": "slow", "messages": [{ "role": "user", "content": "hello" }] }).to_string();
    let ask = Request::post(format!("{url}/chat/completions")).body(Full::from(body)).unwrap();
    assert_eq!(send(ask).await["usage"]["completion_tokens"], 2);

    let stats = send(Request::get(format!("{origin}/stats")).body(Full::default()).unwrap()).await;
    assert_eq!((&stats["finished"], &stats["tokens"]), (&json!(1), &json!(2)));
    assert_eq!(stats["seen"][0]["body"]["model"], "slow");
}
