//! Names that clients hand in: of responses, lanes, scopes, models, pages and compactions.
//!
//! A name has one text: what is read is written as it was. What a compaction carries comes back.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use identity::Scopes;
use libfuzzer_sys::fuzz_target;
use protocol::{Page, compaction, is_stream_id};
use stream::ResponseId;

fuzz_target!(|text: &str| {
    if let Ok(id) = text.parse::<ResponseId>() {
        assert_eq!(id.to_string(), text);
    }
    assert!(!is_stream_id(text) || text.len() <= 256);
    if let Ok(page) = Page::from_query(form_urlencoded::parse(text.as_bytes())) {
        assert!((1..=100).contains(&page.limit));
    }
    if let Ok(scopes) = Scopes::read(text.split_ascii_whitespace()) {
        let words = scopes.words();
        assert_eq!(Scopes::read(words.iter().map(String::as_str)).expect("scopes"), scopes);
        assert_eq!(scopes.models.within(&scopes.models), scopes.models);
    }
    assert_eq!(compaction::decode(&compaction::encode(text)).as_deref(), Some(text));
    if let Some(summary) = compaction::decode(text) {
        assert_eq!(compaction::decode(&compaction::encode(&summary)), Some(summary));
    }
});
