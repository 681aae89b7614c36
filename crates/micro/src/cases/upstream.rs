//! What a model server says, read: HTTP, its event stream and the chunks, by the engine for Chat Completions.

use std::sync::Arc;

use engine::{Call, ChatConfig, ChatEngine, Engine, Output};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};
use tokio_util::task::TaskTracker;

use crate::{
    EVENTS,
    case::Run,
    samples::{MODEL, request, texts},
};

/// The engine calls a server in the same thread that has its whole answer ready. So nearly all that is counted is the
/// engine's: the server writes each answer at once.
pub(crate) fn chunk() -> Run {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (engine, tasks) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let tasks = TaskTracker::new();
        tasks.spawn(serve(listener, answer()));
        (ChatEngine::new(ChatConfig::new(format!("http://{address}"))).expect("an engine"), tasks)
    });
    let request = Arc::new(request());
    Box::new(move || {
        let call = Call { request: Arc::clone(&request), prefix: None, trace: None };
        let told = runtime.block_on(async {
            let mut outputs = engine.generate(call).await.expect("an answer");
            let mut told = 0;
            while let Some(output) = outputs.next().await {
                told += u64::from(matches!(output.expect("an output"), Output::Text { .. }));
            }
            told
        });
        assert_eq!(told, EVENTS);
        // The server lives as long as who calls it.
        assert!(!tasks.is_empty());
    })
}

/// One client at a time is answered, again and again, always the same.
async fn serve(listener: TcpListener, answer: Vec<u8>) {
    while let Ok((mut client, _)) = listener.accept().await {
        while let Ok(true) = hear(&mut client).await {
            client.write_all(&answer).await.expect("a client");
        }
    }
}

/// Reads a request, and whether there was one. Its body is a JSON object and its end; the answer is the same in any case.
async fn hear(client: &mut TcpStream) -> std::io::Result<bool> {
    let mut request = Vec::new();
    while !request.ends_with(b"}") {
        if client.read_buf(&mut request).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A stream as vLLM sends it: each chunk of the model's is one of HTTP's.
fn answer() -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = |delta: serde_json::Value, finish: Option<&str>| {
        serde_json::json!({
            "id": "chatcmpl-5d1c8a0b7e4f4c0f9a0b1c2d3e4f5a6b", "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": MODEL,
            "choices": [{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }],
        })
        .to_string()
    };
    let said = texts().map(|text| chunk(serde_json::json!({ "content": text }), None));
    for data in said.chain([chunk(serde_json::json!({}), Some("stop")), "[DONE]".to_owned()]) {
        let event = format!("data: {data}\n\n");
        bytes.extend(format!("{:x}\r\n{event}\r\n", event.len()).bytes());
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}
