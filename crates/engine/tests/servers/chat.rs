use engine::{Finish, PrefillStyle, Secret, Usage};
use protocol::FunctionTool;
use serde_json::{Map, json};
use stream::TraceContext;
use testkit::model_server::{CallStyle, Prefill, Script, ToolCall, UsageNumbers, text};

use super::*;

#[tokio::test]
async fn a_text_comes_whole_however_the_server_writes_it() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    for script in [
        Script::default(),
        Script { split_bytes: Some(1), ..Script::default() },
        Script { crlf: true, comments: true, split_bytes: Some(7), ..Script::default() },
        Script { usage_with_finish: true, late_head: true, ..Script::default() },
    ] {
        let usage = UsageNumbers { input: 9, cached: 3, output: 16, reasoning: 0 };
        server.set_script("m", Script { usage: Some(usage), ..script });
        let (outputs, error) = ask(&chat(&server), "hello").await;
        assert!(error.is_none());
        assert_eq!(text_of(&outputs), text("hello", 0, 16));
        let usage = Usage { input_tokens: 9, cached_tokens: 3, output_tokens: 16, reasoning_tokens: 0 };
        assert!(outputs.contains(&Output::Usage(usage)));
        assert_eq!(outputs.last(), Some(&Output::Finish(Finish::Stop)));
    }
}

#[tokio::test]
async fn the_bound_on_tokens_is_kept() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let request = Request { max_output_tokens: Some(5), ..request("hello") };
    let (outputs, _) = read(chat(&server).generate(call(request)).await.unwrap()).await;
    assert_eq!(text_of(&outputs), text("hello", 0, 5));
    assert_eq!(outputs.last(), Some(&Output::Finish(Finish::Length)));
}

#[tokio::test]
async fn a_text_is_carried_on_where_it_was_cut() {
    let server = ModelServer::start(Script { prefill: Prefill::Flag, ..Script::default() }).await.unwrap();
    let mut config = ChatConfig::new(server.url());
    config.prefill = PrefillStyle::ContinueFinalMessage;
    let engine = ChatEngine::new(config).unwrap();
    let whole = text("hello", 0, 16);
    for at in [1, whole.len() / 2, whole.len()].map(|at| whole.floor_char_boundary(at)) {
        let call = Call { prefix: Some(whole[..at].to_owned()), ..call(request("hello")) };
        let (outputs, error) = read(engine.generate(call).await.unwrap()).await;
        assert!(error.is_none());
        assert_eq!(text_of(&outputs), whole[at..]);
    }
}

#[tokio::test]
async fn reasoning_refusals_and_logprobs_come_through() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    for field in ["reasoning", "reasoning_content"] {
        let (outputs, _) =
            ask(&chat(&server), &format!("hello [[reasoning=well_then reasoning_field={field}]]")).await;
        assert_eq!(outputs[..2], [Output::Reasoning("well ".into()), Output::Reasoning("then ".into())]);
    }
    let (outputs, _) = ask(&chat(&server), "hello [[refusal=never]]").await;
    assert_eq!(outputs[0], Output::Refusal("never ".into()));

    let request = Request { top_logprobs: Some(2), ..request("hello") };
    let (outputs, _) = read(chat(&server).generate(call(request)).await.unwrap()).await;
    let Output::Text { logprobs: Some(logprobs), .. } = &outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(logprobs[0]["top_logprobs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn calls_are_the_same_however_they_are_told() {
    let tool_call = |city: &str| ToolCall {
        name: "get_weather".to_owned(),
        arguments: format!("{{\"city\":\"{city}\"}}"),
    };
    let server = ModelServer::start(Script::default()).await.unwrap();
    for style in [CallStyle::Pieces, CallStyle::Whole, CallStyle::Bare, CallStyle::SplitName] {
        let calls = vec![tool_call("Rome"), tool_call("Oslo")];
        server.set_script("m", Script { calls, call_style: style, ..Script::default() });
        let tool = FunctionTool {
            name: "get_weather".to_owned(),
            description: None,
            parameters: None,
            strict: None,
            extra: Map::new(),
        };
        let request = Request { tools: vec![tool], ..request("hello") };
        let (outputs, _) = read(chat(&server).generate(call(request)).await.unwrap()).await;
        let mut told = [(String::new(), String::new()), Default::default()];
        for output in &outputs {
            match output {
                Output::Call { index, name, .. } => told[*index as usize].0.clone_from(name),
                Output::Arguments { index, text } => told[*index as usize].1.push_str(text),
                _ => {}
            }
        }
        let expected = ["Rome", "Oslo"].map(|city| ("get_weather".to_owned(), tool_call(city).arguments));
        assert_eq!(told, expected, "{style:?}");
        assert_eq!(outputs.last(), Some(&Output::Finish(Finish::Stop)));
    }
}

#[tokio::test]
async fn the_server_gets_key_headers_and_trace() {
    let server = ModelServer::start(Script::parse("api_key=sesame").unwrap()).await.unwrap();
    let mut config = ChatConfig::new(server.url());
    config.upstream.api_key = Some(Secret::new("sesame"));
    config.upstream.headers = vec![("x-tenant".to_owned(), Secret::new("blue"))];
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let trace = TraceContext::parse(traceparent).unwrap().with_state("rojo=1");
    let call = Call { trace: Some(trace), ..call(request("hello")) };
    let (_, error) = read(ChatEngine::new(config).unwrap().generate(call).await.unwrap()).await;
    assert!(error.is_none());
    let stats = server.stats();
    let seen = stats.last().unwrap();
    assert_eq!(seen.headers["x-tenant"], "blue");
    assert_eq!(seen.headers["traceparent"], traceparent);
    assert_eq!(seen.headers["tracestate"], "rojo=1");
    assert_eq!(seen.body["messages"], json!([{ "role": "user", "content": "hello" }]));
}

#[tokio::test]
async fn the_models_are_listed() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    server.set_script("a", Script::default());
    server.set_script("b", Script::default());
    assert_eq!(chat(&server).models().await.unwrap(), Some(vec!["a".to_owned(), "b".to_owned()]));
    let elsewhere = ChatEngine::new(ChatConfig::new(format!("{}/nothing", server.url()))).unwrap();
    assert_eq!(elsewhere.models().await.unwrap(), None);
}

fn usages(outputs: &[Output]) -> Vec<(u64, u64)> {
    let usage = |output: &Output| match output {
        Output::Usage(usage) => Some((usage.input_tokens, usage.output_tokens)),
        _ => None,
    };
    outputs.iter().filter_map(usage).collect()
}

#[tokio::test]
async fn usage_is_told_with_every_token_by_servers_that_can() {
    let server = ModelServer::start(Script::parse("continuous_usage tokens=2").unwrap()).await.unwrap();
    let (outputs, _) = ask(&chat(&server), "three little words").await;
    let usages = usages(&outputs);
    assert_eq!((usages.first(), usages.last()), (Some(&(3, 0)), Some(&(3, 2))));
    assert!(usages.contains(&(3, 1)));
}

#[tokio::test]
async fn a_server_that_refuses_to_is_asked_once() {
    let server = ModelServer::start(Script::parse("strict tokens=2").unwrap()).await.unwrap();
    let engine = chat(&server);
    for _ in 0..3 {
        let (outputs, error) = ask(&engine, "three little words").await;
        assert_eq!((usages(&outputs), error.is_none()), (vec![(3, 2)], true));
    }
    assert_eq!(server.stats().requests, 4, "the first request was refused, and sent again");
}

#[tokio::test]
async fn what_is_refused_for_another_reason_is_the_clients_to_correct() {
    let server = ModelServer::start(Script::parse("fail=400").unwrap()).await.unwrap();
    let engine = chat(&server);
    for _ in 0..2 {
        let error = engine.generate(call(request("hello"))).await.err().unwrap();
        assert_eq!(error.fault, engine::Fault::Refused);
    }
}
