//! Pages call only where they may.

use super::*;

fn outcome(allowed: &[&str], address: &str, host: &str, origin: Option<&str>) -> &'static str {
    let origins = Origins(allowed.iter().map(|&origin| origin.to_owned()).collect());
    let client = Client { address: address.parse().unwrap(), is_private: true, is_behind_proxy: false };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(host).unwrap());
    if let Some(origin) = origin {
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
    }
    match origins.check(client, &headers) {
        Ok(Caller::Own) => "own",
        Ok(Caller::Allowed(_)) => "allowed",
        Err(_) => "refused",
    }
}

#[test]
fn a_page_calls_only_if_it_is_listed() {
    let page = Some("https://app.example.com");
    assert_eq!(outcome(&[], "192.0.2.1", "gateway.example.com", None), "own");
    assert_eq!(outcome(&[], "192.0.2.1", "gateway.example.com", page), "refused");
    assert_eq!(outcome(&["https://app.example.com"], "192.0.2.1", "gateway.example.com", page), "allowed");
    assert_eq!(outcome(&["*"], "192.0.2.1", "gateway.example.com", page), "allowed");
    for other in [
        "https://app.example.com.evil.org",
        "http://app.example.com",
        "https://app.example.com:1",
        "null",
        "",
    ] {
        assert_eq!(
            outcome(&["https://app.example.com"], "192.0.2.1", "g", Some(other)),
            "refused",
            "{other}"
        );
    }
}

#[test]
fn who_develops_on_this_machine_may_call() {
    for page in ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:80"] {
        assert_eq!(outcome(&[], "127.0.0.1", "localhost:8080", Some(page)), "allowed");
        assert_eq!(outcome(&[], "192.0.2.1", "localhost:8080", Some(page)), "refused");
        // A name of the page's own that leads here: DNS rebinding.
        assert_eq!(outcome(&[], "127.0.0.1", "evil.org:8080", Some(page)), "refused");
    }
    assert_eq!(outcome(&[], "127.0.0.1", "127.0.0.1:8080", Some("https://evil.org")), "refused");
    assert_eq!(outcome(&[], "127.0.0.1", "evil.org:8080", Some("http://evil.org:8080")), "refused");
}
