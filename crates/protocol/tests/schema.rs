//! Everything that this crate says is valid against the standard's own schema, where that is at hand.
#![expect(clippy::unwrap_used, reason = "the helpers of a test may panic like the test itself")]

use protocol::{
    ApiError, ErrorType, Item, ItemStatus, Outcome, Page, Place, Reasoning, Request, TextFormat, Usage,
    compaction, compaction_item, created, end, error_event, event_json, function_call_item, in_progress,
    input_items, item_added, item_done, lifecycle, message_item, reasoning_item, sse_frame,
};
use schema::Standard;
use serde_json::{Value, json};
use stream::{DeltaKind, Event, EventKind, ResponseId, Whole};

const ID: ResponseId = ResponseId::from_parts(3, 0xabcd);
const LOGPROB: &str =
    r#"{"token":"a","logprob":-1.5,"bytes":[97],"top_logprobs":[{"token":"b","logprob":-2,"bytes":[98]}]}"#;

/// The standard, unless this test can only say that it is not there.
macro_rules! standard {
    () => {
        match Standard::load() {
            Some(standard) => standard,
            None => return println!("{}", schema::NOT_CHECKED),
        }
    };
}

/// The resource that an event shows.
fn shown(event: Whole) -> Value {
    event.response().unwrap()
}

fn assert_valid(result: Result<(), String>) {
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn place(kind: DeltaKind) -> Place {
    Place { response: ID, kind, output_index: 1, part_index: 2 }
}

const KINDS: [DeltaKind; 5] = [
    DeltaKind::OutputText,
    DeltaKind::Refusal,
    DeltaKind::Reasoning,
    DeltaKind::ReasoningSummary,
    DeltaKind::FunctionArguments,
];

/// One item of each kind, in each state.
fn items() -> Vec<Value> {
    let logprobs: Vec<Value> = vec![serde_json::from_str(LOGPROB).unwrap()];
    let part = |kind| place(kind).part("text", &logprobs).unwrap();
    let mut items = vec![compaction_item(ID, 4, &compaction::encode("They spoke."))];
    for status in [ItemStatus::InProgress, ItemStatus::Completed, ItemStatus::Incomplete] {
        items.push(message_item(ID, 0, status, vec![part(DeltaKind::OutputText), part(DeltaKind::Refusal)]));
        items.push(message_item(ID, 0, status, Vec::new()));
        items.push(function_call_item(ID, 1, status, "call_1", "f", "{}"));
        let summary = vec![part(DeltaKind::ReasoningSummary)];
        items.push(reasoning_item(ID, 2, status, vec![part(DeltaKind::Reasoning)], summary));
    }
    items
}

/// Requests that use what a resource shows, one way and another.
fn requests() -> Vec<Request> {
    let bodies = [
        json!({}),
        json!({
            "tools": [{"type": "function", "name": "f", "vendor": 1}], "tool_choice": {"type": "function", "name": "f"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true},
                "verbosity": "low", "vendor": 2},
            "reasoning": {"effort": "max", "summary": "auto", "vendor": 3}, "metadata": {"k": "v"}, "service_tier": "auto",
            "temperature": 0.5, "top_p": 1, "presence_penalty": -1, "frequency_penalty": 2, "top_logprobs": 5,
            "truncation": "auto", "max_output_tokens": 16, "max_tool_calls": 1, "instructions": "i",
            "previous_response_id": "resp_1", "safety_identifier": "s", "prompt_cache_key": "p", "vendor": 4,
        }),
        json!({
            "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {}, "strict": false}],
            "tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "f"}]},
            "text": {"format": {"type": "json_object"}}, "reasoning": {"effort": "xhigh"}, "background": true,
        }),
        json!({ "tool_choice": "none", "store": false }),
    ];
    let read = |mut body: Value| {
        body["model"] = "demo".into();
        body["input"] = "Hello".into();
        protocol::create(body.to_string().as_bytes(), 32).unwrap().request
    };
    let mut requests: Vec<_> = bodies.into_iter().map(read).collect();
    requests.push(Request {
        reasoning: Some(Reasoning::default()),
        text: protocol::TextOptions { format: TextFormat::Text, ..Default::default() },
        ..Request::new("demo")
    });
    requests
}

fn outcomes() -> Vec<Outcome> {
    vec![
        Outcome::Completed,
        Outcome::Incomplete { reason: "max_output_tokens".to_owned() },
        Outcome::Failed { code: "upstream_error".to_owned(), message: "The model failed.".to_owned() },
        Outcome::Cancelled,
    ]
}

fn errors() -> Vec<ApiError> {
    vec![
        ApiError::invalid("input[0]", "invalid_value", "No."),
        ApiError::response_not_found("resp_1"),
        ApiError::previous_response_not_found("resp_1"),
        ApiError::model_not_found("m"),
        ApiError::server("server_error", "Sorry."),
        ApiError { code: None, param: None, ..ApiError::new(ErrorType::TooManyRequests, "", "Slow down.") },
        protocol::create(b"{", 32).unwrap_err(),
    ]
}

/// Every event that can be made.
fn events() -> Vec<Event> {
    let mut events = Vec::new();
    let logprobs: Vec<Value> = vec![serde_json::from_str(LOGPROB).unwrap()];
    for place in KINDS.map(place) {
        events.extend(place.part_added());
        events.push(place.delta("a \"\u{1}\u{2028}".into(), None));
        events.push(place.delta("a".into(), Some(format!("[{LOGPROB}]").into())));
        events.push(place.text_done("a", &logprobs));
        events.extend(place.part_done("a", &logprobs));
        events.extend(place.part_done("", &[]));
    }
    for item in items() {
        events.push(item_added(1, &item));
        events.push(item_done(1, &item));
    }
    for error in errors() {
        events.push(error_event(&error));
    }
    for request in requests() {
        let begun = created(ID, 1, &request, "queued");
        events.extend([in_progress(&begun).into(), lifecycle(EventKind::Queued, &shown(begun.clone()))]);
        for outcome in outcomes() {
            let usage = Some(Usage { input_tokens: 1, output_tokens: 2, ..Usage::default() });
            events.push(end(Some(&begun), items(), usage, &outcome, 2).into());
        }
        events.push(begun.into());
    }
    events
}

#[test]
fn resources() {
    let standard = standard!();
    assert!(standard.check("ResponseResource", &json!({})).is_err(), "nothing is checked at all");
    for request in requests() {
        let begun = created(ID, 1, &request, "queued");
        for outcome in outcomes() {
            let ended = shown(end(Some(&begun), items(), None, &outcome, 2));
            assert_valid(standard.check("ResponseResource", &ended));
        }
        assert_valid(standard.check("ResponseResource", &shown(begun)));
    }
}

#[test]
fn rendered_events() {
    let standard = standard!();
    let mut seen = std::collections::HashSet::new();
    for event in events() {
        for (lane, merged_from) in [(None, None), (Some("lane.1"), Some(7))] {
            let mut json = String::new();
            event_json(&mut json, ID, 9, &event, lane, merged_from);
            let told: Value = serde_json::from_str(&json).unwrap();
            assert_valid(standard.check_event(&told));
            if event.kind() == EventKind::Error {
                // On a WebSocket the same message must do as an error of its own.
                assert_valid(standard.check("WebSocketErrorEvent", &told));
            }
            let mut frame = String::new();
            sse_frame(&mut frame, ID, 9, &event, lane, merged_from);
            assert_eq!(frame, format!("event: {}\ndata: {json}\n\n", event.kind().name()));
        }
        seen.insert(event.kind().name());
    }
    // The one type that only some model servers make.
    let unmade: Vec<_> = standard.event_types().filter(|kind| !seen.contains(kind)).collect();
    assert_eq!(unmade, ["response.output_text.annotation.added"]);
}

#[test]
fn error_bodies() {
    let standard = standard!();
    for error in errors() {
        assert_valid(standard.check_error(&serde_json::from_str(&error.http_body()).unwrap()));
        for lane in [None, Some("a")] {
            let message: Value = serde_json::from_str(&error.websocket_message(lane)).unwrap();
            assert_valid(standard.check_message(&message));
            assert_eq!(message.get("stream_id").and_then(Value::as_str), lane);
        }
    }
}

#[test]
fn compactions() {
    let standard = standard!();
    for usage in [None, Some(Usage::default())] {
        let begun = created(ID, 1, &Request::new("demo"), "in_progress");
        let item = compaction_item(ID, 0, &compaction::encode("They spoke."));
        let ended = shown(end(Some(&begun), vec![item], usage, &Outcome::Completed, 2));
        assert_valid(standard.check("CompactResource", &compaction::answer(&ended)));
    }
}

/// What clients may send comes back from `input_items` in the form of what servers show.
#[test]
fn listed_input_items() {
    let standard = standard!();
    let body = json!({ "model": "demo", "input": [
        {"role": "user", "content": "Hi", "name": "Ann"},
        {"role": "developer", "content": [{"type": "input_text", "text": "Be kind."}], "status": "odd", "id": null},
        {"role": "assistant", "phase": "commentary", "content": [
            {"type": "output_text", "text": "Hello", "logprobs": [{}], "annotations": [{"type": "file_citation"}]},
            {"type": "refusal", "refusal": "No."},
        ]},
        {"role": "user", "content": [
            {"type": "input_image", "image_url": "https://a/b.png", "detail": "original"},
            {"type": "input_image", "file_id": "file-1", "detail": null},
            {"type": "input_file", "file_url": "https://a/b.pdf", "filename": null},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            {"type": "input_video", "video_url": "https://a/b.mp4"},
        ]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": null},
        {"type": "reasoning", "summary": [], "content": [{"type": "text", "text": "t"}], "encrypted_content": "e"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""},
        {"type": "function_call_output", "call_id": "c", "output": "1", "status": null},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_video", "video_url": "https://a/b.mp4"}]},
        {"type": "compaction", "encrypted_content": "x"},
    ]});
    let input: Vec<Item> = protocol::create(body.to_string().as_bytes(), 32).unwrap().request.input;
    let list = input_items(ID, &input, &Page::default()).unwrap();
    let listed = list["data"].as_array().unwrap();
    assert_eq!(listed.len(), input.len());
    for item in listed {
        assert_valid(standard.check("ItemField", item));
    }
}
