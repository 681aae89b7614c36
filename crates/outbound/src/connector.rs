//! Connections to a server: TCP without delay, TLS where the URL says so, and one bound on the time of all of it.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{net::TcpStream, time};
use tower_service::Service;

/// A connection that stands.
pub type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
/// Why none does.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The system's certificates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot verify certificates on this system: {0}")]
pub struct TlsError(String);

/// Makes connections. A [`Service`] of hyper's client.
///
/// The time-out is here and not the one of [`HttpConnector`], which knows nothing of the name lookup before it and of the
/// TLS handshake after it.
#[derive(Debug, Clone)]
pub struct Connector {
    inner: HttpsConnector<HttpConnector>,
    timeout: Duration,
}

impl Connector {
    /// Makes connections that stand within `timeout`, name lookup and TLS included; `with_tls` if any goes to `https`.
    ///
    /// # Errors
    /// When TLS is wanted, and the system's certificates cannot be used.
    pub fn new(with_tls: bool, timeout: Duration) -> Result<Self, TlsError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Without it the system may hold a small request back for 40 ms.
        tcp.set_nodelay(true);
        let inner = HttpsConnectorBuilder::new()
            .with_tls_config(tls(with_tls)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self { inner, timeout })
    }
}

/// The settings of TLS. A server that is reached without it must not need the system's certificates, which are missing in
/// small containers: its connector trusts nobody and is never asked.
fn tls(is_used: bool) -> Result<ClientConfig, TlsError> {
    let wrong = |error: rustls::Error| TlsError(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?;
    Ok(if is_used {
        builder.try_with_platform_verifier().map_err(wrong)?.with_no_client_auth()
    } else {
        builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    })
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = time::timeout(self.timeout, self.inner.call(uri));
        let timeout = self.timeout;
        Box::pin(async move {
            connecting.await.unwrap_or_else(|_| {
                let message = format!("no connection within {timeout:?}");
                Err(io::Error::new(io::ErrorKind::TimedOut, message).into())
            })
        })
    }
}

#[cfg(test)]
mod tests;
