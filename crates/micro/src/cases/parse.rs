//! What a client says on a WebSocket, read. An event is a whole message here.

use std::hint::black_box;

use crate::{EVENTS, case::Run};

/// A turn of a conversation with a tool, about as agents send them.
const CREATE: &str = r#"{"type":"response.create","model":"llama-3.3-70b","store":false,"stream_id":"main","temperature":0.7,
"max_output_tokens":1024,"instructions":"You are a helpful assistant. Answer briefly, and say so when you do not know.",
"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"What is the weather like in Köln?"}]},
{"type":"function_call","call_id":"call_1","name":"weather","arguments":"{\"city\":\"Köln\"}"},
{"type":"function_call_output","call_id":"call_1","output":"{\"sky\":\"rain\",\"degrees\":9}"},
{"type":"message","role":"user","content":"And tomorrow?"}],
"tools":[{"type":"function","name":"weather","description":"The weather of a day","parameters":{"type":"object",
"properties":{"city":{"type":"string"},"day":{"type":"string"}},"required":["city"]}}],"metadata":{"session":"42"}}"#;

/// How deep a gateway lets JSON nest.
const MAX_DEPTH: usize = 64;

pub(crate) fn create() -> Run {
    Box::new(|| {
        for _ in 0..EVENTS {
            black_box(protocol::client_message(black_box(CREATE), MAX_DEPTH).expect("a message"));
        }
    })
}
