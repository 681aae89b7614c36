//! The bodies of requests: `POST /v1/responses`, `/v1/responses/compact`, `/v1/chat/completions` and `/v1/client_secrets`.
//!
//! Each parser gets each body. What is accepted reaches the worker as it was read, and is shown again as JSON; what is refused is
//! refused with an error that is JSON.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use fuzz::check_refusal;
use libfuzzer_sys::fuzz_target;
use protocol::{ApiError, Page, Request, chat_create, client_secret, compact, create, created, input_items};
use stream::ResponseId;

const MAX_DEPTH: usize = 32;

fuzz_target!(|body: &[u8]| {
    check(create(body, MAX_DEPTH).map(|create| create.request));
    check(compact(body, MAX_DEPTH).map(|compact| compact.request));
    check(chat_create(body, MAX_DEPTH).map(|create| create.request));
    match client_secret(body, MAX_DEPTH) {
        Ok(wish) => {
            assert!(wish.lifetime.is_none_or(|lifetime| (1..=7200).contains(&lifetime.as_secs())));
            assert!(wish.models.is_none_or(|models| (1..=32).contains(&models.len())));
        }
        Err(error) => check_refusal(&error),
    }
});

fn check(read: Result<Request, ApiError>) {
    match read {
        Ok(request) => {
            let job = serde_json::to_vec(&request).expect("JSON");
            assert_eq!(serde_json::from_slice::<Request>(&job).expect("a request"), request);
            let id = ResponseId::from_parts(0, 1);
            let shown = created(id, 0, &request, "queued").response().expect("a resource");
            assert_eq!(shown["model"], request.model);
            let page = Page { limit: 100, is_ascending: true, ..Page::default() };
            let shown = input_items(id, &request.input, &page).expect("no item was named");
            let shown = shown["data"].as_array().expect("a list");
            assert!(shown.len() <= request.input.len() && shown.iter().all(|item| item["id"].is_string()));
            let _ = protocol::check_context(&request.input, 0);
        }
        Err(error) => check_refusal(&error),
    }
}
