use serde_json::json;

use super::*;

fn refusal_of(status: u16, body: &str) -> Error {
    refusal(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
}

#[test]
fn every_status_is_a_fault() {
    for (status, fault) in [
        (400, Fault::Refused),
        (401, Fault::Unauthorized),
        (403, Fault::Unauthorized),
        (404, Fault::Refused),
        (413, Fault::Refused),
        (422, Fault::Refused),
        (429, Fault::Busy { retry_after: None }),
        (500, Fault::Failed),
        (502, Fault::Failed),
        (503, Fault::Busy { retry_after: None }),
        (301, Fault::Garbled),
        (405, Fault::Garbled),
    ] {
        assert_eq!(refusal_of(status, "").fault, fault, "{status}");
    }
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let body = json!({ "error": {
        "message": "max_tokens is too large", "param": "max_tokens", "code": "invalid_value", "type": "x",
    }});
    let error = refusal_of(400, &body.to_string());
    assert_eq!(error.message, "max_tokens is too large");
    assert_eq!(error.param.as_deref(), Some("max_output_tokens"));
    assert_eq!(error.code.as_deref(), Some("invalid_value"));

    for (body, message) in [
        (r#"{"error": "no such thing"}"#, "no such thing"),
        (r#"{"object": "error", "message": "too long", "code": 400}"#, "too long"),
        (r#"{"detail": "not a list"}"#, "not a list"),
        ("plain text", "plain text"),
        ("", "The model server refused the request."),
        (r#"{"error": {"message": "see http://10.0.0.1/x"}}"#, "see […]"),
    ] {
        assert_eq!(refusal_of(400, body).message, message);
    }
}

#[test]
fn other_failures_are_told_in_ours() {
    let body = r#"{"error": {"message": "key sk-12345678 of host gpu-1:8000", "code": "secret"}}"#;
    for status in [401, 429, 500, 503] {
        let error = refusal_of(status, body);
        assert!(!error.message.contains("gpu-1") && !error.message.contains("sk-"), "{}", error.message);
        assert_eq!((error.param, error.code), (None, None));
        assert!(error.detail.contains("gpu-1"), "{}", error.detail);
    }
}

#[test]
fn a_busy_server_says_when_to_come_back() {
    let in_an_hour = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3_600));
    for (name, value, least, most) in [
        ("retry-after", "2", 2_000, 2_000),
        ("retry-after-ms", "150", 150, 150),
        ("retry-after", in_an_hour.as_str(), 3_500_000, 3_600_000),
    ] {
        let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
        let Fault::Busy { retry_after: Some(time) } =
            refusal(StatusCode::TOO_MANY_REQUESTS, &headers, b"").fault
        else {
            panic!("{name}: {value}");
        };
        assert!((least..=most).contains(&time.as_millis()), "{name}: {value}: {time:?}");
    }
}

#[test]
fn an_error_in_a_stream_is_what_its_code_says() {
    for (error, fault) in [
        (json!({ "message": "m", "code": 400 }), Fault::Refused),
        (json!({ "message": "m", "code": "429" }), Fault::Busy { retry_after: None }),
        (json!({ "message": "m", "code": "rate_limit_exceeded" }), Fault::Busy { retry_after: None }),
        (json!({ "message": "m", "code": 1234 }), Fault::Failed),
        (json!({ "message": "m" }), Fault::Failed),
        (json!("m"), Fault::Failed),
    ] {
        assert_eq!(readable(&error).fault, fault, "{error}");
    }
}
