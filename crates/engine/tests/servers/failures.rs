use engine::{Fault, Secret};
use testkit::model_server::{self, Script, text};
use tokio::net::TcpListener;

use super::*;

async fn refused(server: &ModelServer, prompt: &str) -> Error {
    chat(server).generate(call(request(prompt))).await.err().unwrap()
}

#[tokio::test]
async fn what_was_told_before_a_failure_is_told() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    for (fault, expected) in [
        ("cut_after", Fault::Unreachable),
        ("reset_after", Fault::Unreachable),
        ("end_after", Fault::Unreachable),
        ("error_after", Fault::Failed),
        ("garbage_after", Fault::Garbled),
    ] {
        for after in [0, 1, 7] {
            let prompt = format!("hello [[{fault}={after}]]");
            let (outputs, error) = ask(&chat(&server), &prompt).await;
            assert_eq!(text_of(&outputs), text(&prompt, 0, after), "{prompt}");
            assert_eq!(error.unwrap().fault, expected, "{prompt}");
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_parameter_and_nothing_of_ours() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let message = "'temperature' is too high, see http://10.1.2.3:8000/help (key sk-abcdefgh12345)";
    let body =
        format!(r#"{{"error":{{"message":"{message}","param":"temperature","code":"invalid_value"}}}}"#);
    server.set_script("m", Script { fail: Some((400, body)), ..Script::default() });
    let error = refused(&server, "hello").await;
    assert_eq!(error.fault, Fault::Refused);
    assert_eq!(error.message, "'temperature' is too high, see […] (key […])");
    assert_eq!((error.param.as_deref(), error.code.as_deref()), (Some("temperature"), Some("invalid_value")));
    assert!(error.detail.contains("10.1.2.3"));
}

#[tokio::test]
async fn statuses_are_faults() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    assert_eq!(refused(&server, "[[fail=500]]").await.fault, Fault::Failed);
    assert_eq!(refused(&server, "[[fail=404]]").await.fault, Fault::Refused);
    let busy = Fault::Busy { retry_after: Some(Duration::from_secs(3)) };
    assert_eq!(refused(&server, "[[fail=429 retry_after=3]]").await.fault, busy);
    assert_eq!(refused(&server, "[[fail=301]]").await.fault, Fault::Garbled);

    server.set_script(
        "m",
        Script { fail: Some((200, r#"{"error":{"code":503}}"#.to_owned())), ..Script::default() },
    );
    assert_eq!(refused(&server, "hello").await.fault, Fault::Busy { retry_after: None });
    server.set_script("m", Script { fail: Some((200, "{}".to_owned())), ..Script::default() });
    assert_eq!(refused(&server, "hello").await.fault, Fault::Garbled);
}

#[tokio::test]
async fn a_wrong_key_is_the_operators_matter() {
    let server = ModelServer::start(Script::parse("api_key=sesame").unwrap()).await.unwrap();
    let mut config = ChatConfig::new(server.url());
    config.upstream.api_key = Some(Secret::new("poppy"));
    let error = ChatEngine::new(config).unwrap().generate(call(request("hello"))).await.err().unwrap();
    assert_eq!(error.fault, Fault::Unauthorized);
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let engine = ChatEngine::new(ChatConfig::new(format!("http://{address}"))).unwrap();
    let error = engine.generate(call(request("hello"))).await.err().unwrap();
    assert_eq!(error.fault, Fault::Unreachable);
    assert!(!error.message.contains("127.0.0.1") && error.detail.contains("refused"), "{error:?}");
    assert!(engine.models().await.is_err());
}

#[tokio::test]
async fn an_event_above_the_bound_is_not_swallowed() {
    let huge = vec!["x".repeat(3 * 1024 * 1024)];
    let script = Script { say: Some(huge), fault: Some((1, model_server::Fault::Hang)), ..Script::default() };
    let server = ModelServer::start(script).await.unwrap();
    let (outputs, error) = ask(&chat(&server), "hello").await;
    assert_eq!((outputs, error.unwrap().fault), (Vec::new(), Fault::Garbled));
    server.wait_until(|stats| stats.aborted == 1, SOON).await.unwrap();
}
