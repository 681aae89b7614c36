//! The scripted model server does what its scripts say, over real sockets.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use testkit::model_server::{CallStyle, Fault, ModelServer, Script, ToolCall, text};

const SOON: Duration = Duration::from_secs(10);

async fn post(server: &ModelServer, path: &str, body: &Value) -> Response<Incoming> {
    let request =
        Request::post(format!("{}{path}", server.url())).body(Full::new(Bytes::from(body.to_string())));
    Client::builder(TokioExecutor::new()).build_http().request(request.unwrap()).await.unwrap()
}

async fn chat(server: &ModelServer, prompt: &str, more: Value) -> Response<Incoming> {
    let mut body =
        json!({ "model": "m", "stream": true, "messages": [{ "role": "user", "content": prompt }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    post(server, "/chat/completions", &body).await
}

/// The `data:` of each event, up to the end or the end of the line, and whether it ended well.
async fn data(response: Response<Incoming>) -> (Vec<String>, bool) {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    let mut well = true;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().unwrap()),
            Err(_) => well = false,
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    (text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect(), well)
}

fn content(data: &[String]) -> String {
    data.iter()
        .filter_map(|chunk| serde_json::from_str::<Value>(chunk).ok())
        .filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .collect()
}

#[tokio::test]
async fn says_the_words_of_its_prompt_and_seed() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let (chunks, _) = data(chat(&server, "hello", json!({})).await).await;
    assert_eq!(content(&chunks), text("hello", 0, 16));
    assert_eq!(chunks.last().unwrap(), "[DONE]");

    let prompt = "hello [[tokens=5 seed=7]]";
    let (chunks, _) = data(chat(&server, prompt, json!({})).await).await;
    assert_eq!(content(&chunks), text(prompt, 7, 5));

    let whole = chat(&server, "hello", json!({ "stream": false })).await.into_body().collect().await.unwrap();
    let whole: Value = serde_json::from_slice(&whole.to_bytes()).unwrap();
    assert_eq!(whole["choices"][0]["message"]["content"], text("hello", 0, 16));
    assert_eq!(server.stats().tokens, 16 + 5 + 16);
    assert_eq!(server.stats().finished, 3);
}

#[tokio::test]
async fn carries_on_wherever_a_text_was_cut() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let whole = text("hello", 0, 16);
    for at in (0..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
        let messages =
            json!([{ "role": "user", "content": "hello" }, { "role": "assistant", "content": whole[..at] }]);
        let (chunks, _) = data(chat(&server, "", json!({ "messages": messages })).await).await;
        assert_eq!(content(&chunks), whole[at..]);
    }
    let messages =
        json!([{ "role": "user", "content": "hello" }, { "role": "assistant", "content": "nonsense" }]);
    assert_eq!(chat(&server, "", json!({ "messages": messages })).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn cuts_and_resets_the_line_after_what_was_said() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    for (index, fault) in ["cut_after", "reset_after"].iter().enumerate() {
        let prompt = format!("hello [[{fault}=3 faulty_calls=1]]");
        let (chunks, well) = data(chat(&server, &prompt, json!({})).await).await;
        assert_eq!((content(&chunks), well), (text(&prompt, 0, 3), false), "{fault}");
        let (chunks, well) = data(chat(&server, &prompt, json!({})).await).await;
        assert_eq!((content(&chunks), well), (text(&prompt, 0, 16), true), "{fault}, the second time");
        assert_eq!(server.stats().cut, index as u64 + 1);
    }
}

#[tokio::test]
async fn knows_when_its_client_has_left() {
    let server = ModelServer::start(Script { endless: true, ..Script::default() }).await.unwrap();
    for prompt in ["hello", "hello [[hang_after=2]]", "hello [[first_delay_ms=600000]]"] {
        let before = server.stats().aborted;
        let mut response = chat(&server, prompt, json!({})).await;
        response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(server.stats().running, 1);
        drop(response);
        let stats = server.wait_until(|stats| stats.aborted > before, SOON).await.unwrap();
        assert_eq!(stats.running, 0, "{prompt}");
    }
}

#[tokio::test]
async fn fails_as_it_is_told() {
    let script = Script { fail: Some((503, "busy".to_owned())), faulty_calls: Some(1), ..Script::default() };
    let server = ModelServer::start(script).await.unwrap();
    assert_eq!(chat(&server, "hello", json!({})).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(chat(&server, "hello", json!({})).await.status(), StatusCode::OK);

    server.set_script("m", Script { fault: Some((1, Fault::Garbage("{".to_owned()))), ..Script::default() });
    let (chunks, _) = data(chat(&server, "hello", json!({})).await).await;
    assert_eq!(chunks[2], "{");
    assert_eq!(content(&chunks), text("hello", 0, 16));

    let (chunks, _) = data(chat(&server, "hello [[error_after=1]]", json!({})).await).await;
    assert!(chunks.last().unwrap().starts_with(r#"{"error":"#), "{chunks:?}");
    assert_eq!(chat(&server, "hello [[nonsense=1]]", json!({})).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn calls_functions_in_every_style() {
    let arguments = r#"{"city":"Rome"}"#;
    let call = ToolCall { name: "get_weather".to_owned(), arguments: arguments.to_owned() };
    let script = Script { calls: vec![call.clone(), call], ..Script::default() };
    let server = ModelServer::start(script.clone()).await.unwrap();
    for style in [CallStyle::Pieces, CallStyle::Whole, CallStyle::Bare, CallStyle::SplitName] {
        server.set_script("m", Script { call_style: style, ..script.clone() });
        let (chunks, _) = data(chat(&server, "hello", json!({})).await).await;
        let calls: Vec<Value> = chunks
            .iter()
            .filter_map(|chunk| {
                serde_json::from_str::<Value>(chunk).ok()?.pointer("/choices/0/delta/tool_calls/0").cloned()
            })
            .collect();
        let told: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
        let names: String = calls.iter().filter_map(|call| call["function"]["name"].as_str()).collect();
        assert_eq!(told, arguments.repeat(2), "{style:?}");
        assert_eq!(names, "get_weather".repeat(2), "{style:?}");
    }
    let messages = json!([{ "role": "user", "content": "hello" }, { "role": "tool", "content": "sunny" }]);
    let (chunks, _) = data(chat(&server, "", json!({ "messages": messages })).await).await;
    assert_eq!(content(&chunks), text("hello", 0, 16));
}

#[tokio::test]
async fn speaks_open_responses() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let body = json!({ "model": "m", "stream": true, "input": "hello [[tokens=3 reasoning=well_then]]" });
    let (events, _) = data(post(&server, "/responses", &body).await).await;
    let events: Vec<Value> = events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let text_of = |kind: &str| -> String {
        events
            .iter()
            .filter(|event| event["type"] == kind)
            .filter_map(|event| event["delta"].as_str())
            .collect()
    };
    assert_eq!(text_of("response.output_text.delta"), text("hello [[tokens=3 reasoning=well_then]]", 0, 3));
    assert_eq!(text_of("response.reasoning_text.delta"), "well then ");
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    assert_eq!(events.last().unwrap()["response"]["usage"]["output_tokens"], 5);
}
