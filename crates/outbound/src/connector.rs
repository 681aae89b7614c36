//! Connections to a server: TCP without delay, TLS where the URL says so, and one bound on the time of all of it.

use std::{
    fmt,
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
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{net::TcpStream, time};
use tower_service::Service;

/// A connection that stands.
pub type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
/// Why none does.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Certificates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The system's.
    #[error("cannot verify certificates on this system: {0}")]
    System(String),
    /// Those of the authorities to trust.
    #[error("its authorities_file holds no certificates in PEM that can be used: put them there")]
    Authorities,
    /// What to identify with.
    #[error(
        "its certificate_file and key_file hold no certificate and the key of it, in PEM: put them there"
    )]
    Identity,
}

/// Trust and identity, as PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// The certificates of the authorities to trust, instead of those that the system trusts.
    pub authorities: Option<Vec<u8>>,
    /// The certificate to identify with where a server asks for it, those that lead to its authority, and its private key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Without what is secret.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { authorities, identity } = self;
        f.debug_struct("Tls")
            .field("authorities", &authorities.is_some())
            .field("identity", &identity.is_some())
            .finish()
    }
}

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
    /// Makes connections that stand within `timeout`, name lookup and TLS included; with `tls` if any goes to `https`.
    ///
    /// # Errors
    /// When certificates cannot be used: those that are given, or else the system's.
    pub fn new(tls: Option<&Tls>, timeout: Duration) -> Result<Self, TlsError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Without it the system may hold a small request back for 40 ms.
        tcp.set_nodelay(true);
        let inner = HttpsConnectorBuilder::new()
            .with_tls_config(client_config(tls)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self { inner, timeout })
    }
}

/// The settings of TLS. A server that is reached without it must not need the system's certificates, which are missing in
/// small containers: its connector trusts nobody and is never asked.
///
/// # Errors
/// When certificates cannot be used: those that are given, or else the system's.
pub fn client_config(tls: Option<&Tls>) -> Result<ClientConfig, TlsError> {
    let wrong = |error: rustls::Error| TlsError::System(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?;
    let Some(Tls { authorities, identity }) = tls else {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    };
    let builder = match authorities {
        Some(pem) => builder.with_root_certificates(roots(pem).ok_or(TlsError::Authorities)?),
        None => builder.try_with_platform_verifier().map_err(wrong)?,
    };
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
    let (Ok(chain), Ok(key)) = (chain, PrivateKeyDer::from_pem_slice(key)) else {
        return Err(TlsError::Identity);
    };
    builder.with_client_auth_cert(chain, key).map_err(|_| TlsError::Identity)
}

/// The authorities in `pem`, if there are any.
fn roots(pem: &[u8]) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(roots)
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
