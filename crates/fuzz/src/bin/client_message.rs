//! What clients say on a WebSocket.
//!
//! What is refused is refused with an error that is JSON, in a lane only if it is one. What is accepted reaches the worker as it was
//! read.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use fuzz::check_refusal;
use libfuzzer_sys::fuzz_target;
use protocol::{ClientMessage, MAX_CREDIT, Request, client_message, is_stream_id, steer_input};

const MAX_DEPTH: usize = 32;

fuzz_target!(|text: &str| {
    match client_message(text, MAX_DEPTH) {
        Ok(ClientMessage::Create(create)) => {
            let job = serde_json::to_vec(&create.request).expect("JSON");
            assert_eq!(serde_json::from_slice::<Request>(&job).expect("a request"), create.request);
            assert!(create.stream, "a WebSocket always streams");
            assert!(create.stream_id.as_deref().is_none_or(is_stream_id));
        }
        Ok(ClientMessage::Steer { input, .. }) => {
            if let Err(error) = steer_input(input) {
                check_refusal(&error);
            }
        }
        Ok(ClientMessage::TokenUpdate { token }) => {
            assert!(!format!("{token:?}").contains(token.reveal()) || token.reveal().len() < 4);
        }
        Ok(ClientMessage::Resume(resume)) => {
            assert!(resume.stream_id.as_deref().is_none_or(is_stream_id));
        }
        Ok(ClientMessage::Credit(credit)) => assert!((1..=MAX_CREDIT).contains(&credit)),
        Ok(ClientMessage::SessionUpdate(_) | ClientMessage::Cancel { .. }) => {}
        Err(rejected) => {
            check_refusal(&rejected.error);
            assert!(rejected.stream_id.as_deref().is_none_or(is_stream_id));
        }
    }
});
