use identity::MAX_CREDENTIAL;

use super::*;

fn shown_by(uri: &str, headers: &[(&'static str, &str)]) -> Result<Option<Credential>, Refusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    shown(&uri.parse().unwrap(), &map)
}

#[test]
fn a_credential_stands_in_one_of_few_places() {
    let key = Ok(Some(Credential::of("nk_1_2")));
    for header in [
        ("authorization", "Bearer nk_1_2"),
        ("authorization", "bearer  nk_1_2 "),
        ("api-key", "nk_1_2"),
        ("x-api-key", "nk_1_2"),
        ("sec-websocket-protocol", "openai-insecure-api-key.nk_1_2"),
        ("sec-websocket-protocol", "realtime, narthex.bearer.nk_1_2,narthex.v1.json"),
    ] {
        assert_eq!(shown_by("/v1/responses", &[header]), key, "{header:?}");
    }
    assert_eq!(shown_by("/v1/responses?stream=true", &[("sec-websocket-protocol", "realtime")]), Ok(None));
    // As clients send it that speak to two kinds of servers.
    assert_eq!(shown_by("/", &[("authorization", "Bearer nk_1_2"), ("api-key", "nk_1_2")]), key);
}

#[test]
fn one_that_is_ambiguous_or_in_the_url_does_not_count() {
    let [one, two] = [("authorization", "Bearer nk_1_2"), ("authorization", "Bearer nk_3_4")];
    assert_eq!(shown_by("/", &[one, two]), Err(Refusal::Several));
    assert_eq!(shown_by("/", &[one, ("x-api-key", "nk_3_4")]), Err(Refusal::Several));
    for value in ["Basic bWU6c2VzYW1l", "nk_1_2", "Bearer"] {
        assert!(matches!(shown_by("/", &[("authorization", value)]), Err(Refusal::Invalid(_))), "{value}");
    }
    for uri in ["/v1/responses?api_key=nk_1_2", "/?stream=true&access_token=x", "/?api%5Fkey=x"] {
        assert_eq!(shown_by(uri, &[one]), Err(Refusal::InUrl), "{uri}");
    }
    let long = format!("Bearer a.b.{}", "c".repeat(MAX_CREDENTIAL));
    assert_eq!(shown_by("/", &[("authorization", &long)]), Ok(Some(Credential::Other)));
}
