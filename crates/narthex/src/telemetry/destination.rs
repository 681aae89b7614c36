//! Where traces and metrics go: from the settings to a client and a place.

use std::time::Duration;

use engine::Secret;
use http::{HeaderName, HeaderValue, Uri};

use super::export::Http;
use crate::{config::Header, failure::Failure};

/// What the settings say of one signal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Destination<'a> {
    /// `traces` or `metrics`: its table in the settings, and the end of the usual path.
    pub(super) signal: &'static str,
    pub(super) endpoint: &'a str,
    pub(super) headers: &'a [Header],
    pub(super) timeout: Duration,
}

impl Destination<'_> {
    /// The place, and a client that brings exports there. To be called in the runtime that carries them.
    pub(super) fn open(&self) -> Result<(String, Http), Failure> {
        let url =
            place(self.endpoint, self.signal).ok_or_else(|| self.wrong("which is no URL to send to"))?;
        let mut headers = Vec::new();
        for Header { name, value } in self.headers {
            headers.push(self.header(name, value.as_ref())?);
        }
        let client = Http::new(url.starts_with("https:"), self.timeout, headers);
        client.map(|client| (url, client)).map_err(|error| self.wrong(&error.to_string()))
    }

    /// The complaint about the endpoint: `why` fits after its value.
    pub(super) fn wrong(&self, why: &str) -> Failure {
        Failure::configuration(format!(
            "{}.endpoint is {:?}, {why}: write it as http://host:4318 or https://host/path",
            self.signal, self.endpoint
        ))
    }

    fn header(&self, name: &str, value: Option<&Secret>) -> Result<(HeaderName, HeaderValue), Failure> {
        let name_is = HeaderName::try_from(name).ok();
        let value = value.and_then(|value| HeaderValue::from_str(value.reveal()).ok());
        let Some((name, mut value)) = name_is.zip(value) else {
            return Err(Failure::configuration(format!(
                "{}.headers: {name:?}, or its value, has characters that HTTP does not allow: write it without them",
                self.signal
            )));
        };
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// Where exports of `signal` go.
fn place(endpoint: &str, signal: &str) -> Option<String> {
    let uri: Uri = endpoint.trim().parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_plain = matches!(scheme, "http" | "https") && !authority.as_str().contains('@');
    let usual = format!("/v1/{signal}");
    let path = if matches!(uri.path(), "" | "/") { &usual } else { uri.path() };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_plain.then(|| format!("{scheme}://{authority}{path}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_path_is_added_where_there_is_none() {
        let of = |endpoint| place(endpoint, "traces");
        assert_eq!(of("http://localhost:4318").as_deref(), Some("http://localhost:4318/v1/traces"));
        assert_eq!(of("https://otlp.example/a/b?c=d").as_deref(), Some("https://otlp.example/a/b?c=d"));
        assert_eq!(place("http://a:4318/", "metrics").as_deref(), Some("http://a:4318/v1/metrics"));
        for wrong in ["localhost:4318", "grpc://localhost:4317", "http://user:password@host", "/v1/traces"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
