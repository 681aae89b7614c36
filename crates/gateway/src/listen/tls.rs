//! TLS at the public listener.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How the listener speaks TLS. Cloning shares it.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// TLS as `config` has it. Which of HTTP/2 and HTTP/1.1 is spoken is the gateway's matter, and set here.
    pub fn new(config: ServerConfig) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(with_alpn(config))))
    }

    /// Takes another configuration, with newer certificates perhaps, for all connections from now on. Those that there are
    /// keep theirs.
    pub fn replace(&self, config: ServerConfig) {
        self.0.store(Arc::new(with_alpn(config)));
    }

    /// Shakes hands with a client, within `patience`; `None` if that fails, or comes to nothing in time.
    pub(crate) async fn accept<C>(&self, stream: C, patience: Duration) -> Option<TlsStream<C>>
    where
        C: AsyncRead + AsyncWrite + Unpin,
    {
        let shaking = TlsAcceptor::from(self.0.load_full()).accept(stream);
        match tokio::time::timeout(patience, shaking).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no TLS with a client");
                None
            }
            Err(_) => {
                tracing::debug!("a client took too long to shake hands");
                None
            }
        }
    }
}

fn with_alpn(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}
