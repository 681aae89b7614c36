//! A WebSocket at a gateway: after an `r` raw frames, else one message in each line.
//!
//! Whatever is sent, all that is told is JSON with a type, and the events of each response are numbered 0, 1, 2, … without a gap.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::{collections::HashMap, net::SocketAddr, sync::LazyLock};

use fuzz::Edge;
use gateway::Config;
use identity::Authenticator;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const UPGRADE: &[u8] = b"GET /v1/responses HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: narthex.v1.json\r\n\r\n";

static EDGE: LazyLock<Edge> = LazyLock::new(|| Edge::new(Config::default(), Authenticator::open()));

fuzz_target!(|data: &[u8]| {
    let client = SocketAddr::from(([127, 0, 0, 1], 80));
    if let Some(frames) = data.strip_prefix(b"r") {
        let answer = EDGE.say(client, &[UPGRADE, frames].concat());
        assert!(answer.starts_with(b"HTTP/1.1 101 "));
    } else if let Ok(text) = str::from_utf8(data) {
        check(&EDGE.converse(client, text.lines()));
    }
});

fn check(told: &[String]) {
    let mut next: HashMap<String, u64> = HashMap::new();
    for text in told {
        let event: Value = serde_json::from_str(text).expect("JSON");
        let kind = event["type"].as_str().expect("a type");
        // What is said of the connection is in no stream.
        let is_of_stream = !kind.starts_with("narthex:") && kind != "response.steer.failed";
        let Some(number) = event["sequence_number"].as_u64().filter(|_| is_of_stream) else { continue };
        let (lane, first) =
            (event["stream_id"].to_string(), event["narthex:merged_from"].as_u64().unwrap_or(number));
        // A resume begins anywhere.
        let expected = if kind == "response.created" { 0 } else { next.remove(&lane).unwrap_or(first) };
        assert_eq!(first, expected, "{told:?}");
        if !["response.completed", "response.failed", "response.incomplete"].contains(&kind) {
            next.insert(lane, number + 1);
        }
    }
}
