use super::*;

#[test]
fn base_urls_are_taken_as_the_official_clients_take_them() {
    for (given, base) in [
        ("http://localhost:11434", Some("http://localhost:11434/v1")),
        ("http://localhost:11434/", Some("http://localhost:11434/v1")),
        ("http://localhost:11434/v1", Some("http://localhost:11434/v1")),
        (" https://api.example.com/v1/ ", Some("https://api.example.com/v1")),
        ("https://example.com/openai/deployments/x", Some("https://example.com/openai/deployments/x")),
        ("http://[::1]:8000/v1", Some("http://[::1]:8000/v1")),
        ("localhost:11434", None),
        ("/v1", None),
        ("ftp://example.com/v1", None),
        ("http://user:password@example.com/v1", None),
        ("https://example.com/v1?api-version=1", None),
        ("", None),
    ] {
        assert_eq!(base_url(given).as_deref(), base, "{given:?}");
    }
}

#[test]
fn settings_that_cannot_be_sent_are_refused_without_showing_them() {
    let key =
        UpstreamConfig { api_key: Some(Secret::new("one\ntwo")), ..UpstreamConfig::new("http://localhost") };
    let error = Upstream::new(&key).err().unwrap();
    assert_eq!(error, ConfigError::Header("authorization".to_owned()));
    assert!(!error.to_string().contains("two"));

    let headers = vec![("no good".to_owned(), Secret::new("x"))];
    let header = UpstreamConfig { headers, ..UpstreamConfig::new("http://localhost") };
    assert_eq!(Upstream::new(&header).err().unwrap(), ConfigError::Header("no good".to_owned()));
}

#[test]
fn a_secret_is_not_shown() {
    let config =
        UpstreamConfig { api_key: Some(Secret::new("sesame")), ..UpstreamConfig::new("http://localhost") };
    assert!(!format!("{config:?}").contains("sesame"));
}
