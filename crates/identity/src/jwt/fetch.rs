//! Fetching an issuer's keys: two small documents, by https, each with a bound on its size and its time.

use std::{error::Error as _, time::Duration};

use bytes::Bytes;
use http::{
    Request, Uri,
    header::{ACCEPT, HeaderValue, USER_AGENT},
};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use outbound::{Connector, Tls, is_loopback};
use serde::Deserialize;

use super::{KeyError, Keys, key_set::KeySet};

/// A larger document is none of those that are wanted.
const MAX_DOCUMENT: usize = 256 * 1024;

/// A connection must stand, and a document be there, within this time.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Fetches the keys of one issuer.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: Client<Connector, Empty<Bytes>>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Of the document that says where the keys are.
    Discovery {
        url: String,
        issuer: String,
    },
    Set(String),
}

/// What a discovery document says, as far as it is wanted.
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

impl Fetcher {
    pub(super) fn new(issuer: &str, keys: &Keys) -> Result<Self, KeyError> {
        let place = match keys {
            Keys::Url(url) => Place::Set(url.clone()),
            _ => Place::Discovery {
                url: format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')),
                issuer: issuer.to_owned(),
            },
        };
        let (Place::Set(url) | Place::Discovery { url, .. }) = &place;
        if !is_safe(url) {
            return Err(KeyError::Url(url.clone()));
        }
        // What is discovered on this machine stays on it: the system's certificates are not needed then, and may be missing.
        let with_tls = url.starts_with("https:");
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .timer(TokioTimer::new())
            .build(Connector::new(with_tls.then_some(&Tls::default()), TIMEOUT)?);
        Ok(Self { client, place })
    }

    /// The first of the addresses that are asked.
    pub(super) fn url(&self) -> &str {
        let (Place::Set(url) | Place::Discovery { url, .. }) = &self.place;
        url
    }

    /// The keys as they are now, or why they cannot be had.
    pub(super) async fn fetch(&self) -> Result<KeySet, String> {
        let set = match &self.place {
            Place::Set(url) => self.get(url).await?,
            Place::Discovery { url, issuer } => {
                let document: Discovered = serde_json::from_slice(&self.get(url).await?)
                    .map_err(|error| format!("{url} is no discovery document: {error}"))?;
                // OpenID Connect Discovery 1.0, section 4.3: or somebody else's keys would count as this one's.
                if document.issuer != *issuer {
                    return Err(format!(
                        "{url} is of the issuer {:?} and not of {issuer:?}",
                        document.issuer
                    ));
                }
                if !is_safe(&document.jwks_uri) {
                    return Err(KeyError::Url(document.jwks_uri).to_string());
                }
                self.get(&document.jwks_uri).await?
            }
        };
        KeySet::published(&set).map_err(|error| error.to_string())
    }

    /// Redirects are not followed: they could lead anywhere.
    async fn get(&self, url: &str) -> Result<Bytes, String> {
        let failed = |why: &str| format!("{url} cannot be fetched: {why}");
        let request = Request::get(url)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static(concat!("narthex/", env!("CARGO_PKG_VERSION"))))
            .body(Empty::new())
            .map_err(|error| failed(&error.to_string()))?;
        let document = async {
            let response = self.client.request(request).await.map_err(|error| {
                let causes = std::iter::successors(error.source(), |&cause| cause.source());
                failed(&causes.last().map_or_else(|| error.to_string(), ToString::to_string))
            })?;
            if !response.status().is_success() {
                return Err(failed(&format!("it answers {}", response.status())));
            }
            let body = Limited::new(response.into_body(), MAX_DOCUMENT).collect().await;
            Ok(body.map_err(|error| failed(&error.to_string()))?.to_bytes())
        };
        let timed = tokio::time::timeout(TIMEOUT, document).await;
        timed.unwrap_or_else(|_| Err(failed(&format!("no answer within {TIMEOUT:?}"))))
    }
}

/// Whether what comes from `url` is what its server has sent.
fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(host)) => !host.is_empty(),
        (Some("http"), Some(host)) => is_loopback(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_safe;

    #[test]
    fn only_what_crosses_no_network_goes_without_tls() {
        for url in
            ["https://a.example/keys", "http://localhost:8080/keys", "http://127.0.0.1/k", "http://[::1]:1/k"]
        {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "http://a.example/keys",
            "http://localhost.example/k",
            "file:///etc/keys",
            "keys",
            "ftp://localhost/k",
            "",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }
}
