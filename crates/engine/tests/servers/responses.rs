use engine::{Fault, Finish, ResponsesEngine, UpstreamConfig};
use testkit::model_server::{Script, text};

use super::*;

fn responses(server: &ModelServer) -> ResponsesEngine {
    ResponsesEngine::new(&UpstreamConfig::new(server.url())).unwrap()
}

#[tokio::test]
async fn a_text_comes_whole_with_reasoning_and_usage() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let prompt = "hello [[reasoning=well_then]]";
    let (outputs, error) = ask(&responses(&server), prompt).await;
    assert!(error.is_none());
    assert_eq!(outputs[..2], [Output::Reasoning("well ".into()), Output::Reasoning("then ".into())]);
    assert_eq!(text_of(&outputs), text(prompt, 0, 16));
    let Output::Usage(usage) = outputs[outputs.len() - 2] else { panic!("{outputs:?}") };
    assert_eq!((usage.output_tokens, usage.reasoning_tokens), (18, 2));
    assert_eq!(outputs.last(), Some(&Output::Finish(Finish::Stop)));
}

#[tokio::test]
async fn a_text_is_carried_on() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let whole = text("hello", 0, 16);
    let call = Call { prefix: Some(whole[..10].to_owned()), ..call(request("hello")) };
    let (outputs, _) = read(responses(&server).generate(call).await.unwrap()).await;
    assert_eq!(text_of(&outputs), whole[10..]);
}

#[tokio::test]
async fn calls_bounds_and_refusals_come_through() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let (outputs, _) = ask(&responses(&server), r#"[[tool=get args={"x":1} tool=put]]"#).await;
    let names: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Call { index, name, .. } => Some((*index, name.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(names, [(0, "get"), (1, "put")]);
    let (outputs, _) = ask(&responses(&server), "[[refusal=never]]").await;
    assert_eq!(outputs[0], Output::Refusal("never ".into()));
    let request = Request { max_output_tokens: Some(3), ..request("hello") };
    let (outputs, _) = read(responses(&server).generate(call(request)).await.unwrap()).await;
    assert_eq!(outputs.last(), Some(&Output::Finish(Finish::Length)));
}

#[tokio::test]
async fn failures_are_faults_and_leaving_aborts() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let engine = responses(&server);
    for (script, fault) in [
        ("cut_after=2", Fault::Unreachable),
        ("end_after=2", Fault::Unreachable),
        ("error_after=2", Fault::Failed),
        ("garbage_after=2", Fault::Garbled),
    ] {
        let prompt = format!("[[{script}]]");
        let (outputs, error) = ask(&engine, &prompt).await;
        assert_eq!((text_of(&outputs), error.unwrap().fault), (text(&prompt, 0, 2), fault), "{script}");
    }
    // What was garbled was left by us.
    let before = server.wait_until(|stats| stats.running == 0, SOON).await.unwrap().aborted;
    let mut outputs = engine.generate(call(request("[[hang_after=1]]"))).await.unwrap();
    outputs.next().await.unwrap().unwrap();
    drop(outputs);
    server.wait_until(|stats| stats.aborted == before + 1, SOON).await.unwrap();
}
