//! The log's lines about responses: what they tell, and how many of them there are.

use std::{fs::File, path::PathBuf, process::Stdio};

use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::client::{Http, Socket};

use crate::support::{Running, narthex};

const TOKENS: &str = "demo:tokens=20 demo:slow=1ms";

/// `narthex dev` with these settings, and where its log is.
fn logging(directory: &TempDir, settings: &[&str]) -> (Running, Http, PathBuf) {
    let path = directory.path().join("log");
    let ports = ["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"];
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    let command = narthex(ports.into_iter().chain(settings));
    let mut running = Running::start_with_log(command, Stdio::from(File::create(&path).unwrap()));
    running.greeting();
    let http = Http::new(running.listen.as_ref().unwrap().parse().unwrap());
    (running, http, path)
}

/// Ends the process, and reads its lines with `message`.
fn end(running: Running, log: &PathBuf, message: &str) -> Vec<Value> {
    running.signal("TERM");
    assert!(running.wait().success());
    lines(log, message)
}

fn lines(log: &PathBuf, message: &str) -> Vec<Value> {
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["message"] == message).collect()
}

#[tokio::test]
async fn a_response_s_lines_tell_the_time_of_each_layer() {
    let directory = TempDir::new().unwrap();
    let (running, http, log) = logging(&directory, &["traces.endpoint=http://127.0.0.1:1"]);
    let body = |stream: bool| Some(json!({"model": "demo", "input": TOKENS, "stream": stream}));
    let (status, _) = http.json(Method::POST, "/v1/responses", body(false)).await;
    assert_eq!(status, 200);
    let events = http.events(Method::POST, "/v1/responses", body(true)).await.rest().await;
    let id = events[0]["response"]["id"].as_str().unwrap();
    let resume = format!("/v1/responses/{id}?stream=true&starting_after=5");
    http.events(Method::GET, &resume, None).await.rest().await;
    let mut socket = Socket::connect(running.listen.as_ref().unwrap().parse().unwrap()).await;
    socket.send(json!({"type": "response.create", "model": "demo", "input": TOKENS})).await;
    socket.turn().await;
    drop(socket);

    let ended = end(running, &log, "response ended");
    assert_eq!(ended.len(), 3, "{ended:#?}");
    for line in &ended {
        let time = |name: &str| line[name].as_f64().unwrap_or_else(|| panic!("no {name}: {line}"));
        assert!(time("queue_wait_ms") >= 0.0 && time("upstream_first_token_ms") > 0.0, "{line}");
        assert!(time("upstream_first_token_ms") <= time("first_token_ms"), "{line}");
        assert!(time("first_token_ms") <= time("elapsed_ms") && time("elapsed_ms") < 60_000.0, "{line}");
        assert_eq!((&line["outcome"], &line["attempt"]), (&json!("completed"), &json!(1)));
        assert!(line["tokens"].as_u64() >= Some(20) && line["trace_id"].is_string(), "{line}");
    }
    let told = lines(&log, "response told");
    let of = |transport: &str, resumed: bool| {
        let mut found =
            told.iter().filter(|line| line["transport"] == transport && line["resumed"] == resumed);
        let line = found.next().unwrap_or_else(|| panic!("no line of {transport}: {told:#?}"));
        assert!(found.next().is_none());
        assert!(line["trace_id"].is_string() && line["elapsed_ms"].as_f64() >= Some(0.0), "{line}");
        line
    };
    assert_eq!(told.len(), 4);
    for transport in ["sse", "websocket"] {
        let line = of(transport, false);
        assert!(line["first_token_ms"].as_f64() <= line["elapsed_ms"].as_f64(), "{line}");
        assert!(line["first_token_ms"].as_f64() > Some(0.0) && line["tokens"].as_u64() >= Some(20), "{line}");
    }
    assert!(of("http", false)["tokens"].as_u64() >= Some(20));
    let resumed = of("sse", true);
    assert!(resumed["first_token_ms"].is_null() && resumed["tokens"].as_u64() > Some(0), "{resumed}");
}

#[tokio::test]
async fn a_flood_of_lines_is_sampled_and_what_is_left_out_is_counted() {
    const COUNT: usize = 60;
    let directory = TempDir::new().unwrap();
    let settings = ["log_sampling.first=1", "log_sampling.then_one_in=1000"];
    let (running, http, log) = logging(&directory, &settings);
    let ask = |_| {
        http.json(Method::POST, "/v1/responses", Some(json!({"model": "demo", "input": "demo:tokens=1"})))
    };
    let answers = futures_util::future::join_all((0..COUNT).map(ask)).await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    let left_out = end(running, &log, "lines of the log were left out");
    for line in ["response accepted", "response ended", "response told"] {
        let written = lines(&log, line).len() as u64;
        let left_out = left_out.iter().filter(|told| told["line"] == line);
        let left_out: u64 = left_out.map(|told| told["left_out"].as_u64().unwrap()).sum();
        assert!(left_out > 0 && written + left_out == COUNT as u64, "{line}: {written} + {left_out}");
    }
}
