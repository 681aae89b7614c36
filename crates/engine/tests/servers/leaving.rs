use testkit::model_server::Script;

use super::*;

#[tokio::test]
async fn dropping_the_outputs_aborts_the_call() {
    let server = ModelServer::start(Script { endless: true, ..Script::default() }).await.unwrap();
    for (index, prompt) in
        ["talking", "silent [[hang_after=1]]", "slow [[delay_ms=600000]]"].iter().enumerate()
    {
        let mut outputs = chat(&server).generate(call(request(prompt))).await.unwrap();
        outputs.next().await.unwrap().unwrap();
        assert_eq!(server.stats().running, 1);
        drop(outputs);
        let stats = server.wait_until(|stats| stats.running == 0, SOON).await.unwrap();
        assert_eq!(stats.aborted, index as u64 + 1, "{prompt}");
    }
}

#[tokio::test]
async fn dropping_the_outputs_before_the_first_word_aborts_the_call() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    drop(chat(&server).generate(call(request("[[first_delay_ms=600000]]"))).await.unwrap());
    server.wait_until(|stats| stats.aborted == 1, SOON).await.unwrap();
}

#[tokio::test]
async fn giving_up_before_the_server_has_accepted_aborts_the_call() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let engine = chat(&server);
    tokio::select! {
        biased;
        _ = engine.generate(call(request("[[late_head first_delay_ms=600000]]"))) => panic!("the server is silent"),
        running = server.wait_until(|stats| stats.running == 1, SOON) => drop(running.unwrap()),
    }
    let stats = server.wait_until(|stats| stats.running == 0, SOON).await.unwrap();
    assert_eq!(stats.aborted, 1);
}

#[tokio::test]
async fn a_stream_that_is_read_to_its_end_leaves_its_connection_to_the_next() {
    let server = ModelServer::start(Script::default()).await.unwrap();
    let engine = chat(&server);
    for _ in 0..5 {
        let (_, error) = ask(&engine, "hello").await;
        assert!(error.is_none());
    }
    assert_eq!(server.stats().connections, 1);
}

#[tokio::test]
async fn a_server_that_dies_is_a_broken_line() {
    let server = ModelServer::start(Script { endless: true, ..Script::default() }).await.unwrap();
    let mut outputs = chat(&server).generate(call(request("hello"))).await.unwrap();
    outputs.next().await.unwrap().unwrap();
    server.stop().await;
    let (_, error) = read(outputs).await;
    assert_eq!(error.unwrap().fault, engine::Fault::Unreachable);
}
