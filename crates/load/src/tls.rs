//! TLS to servers that are to be reached so.

use std::{io, sync::Arc};

use rustls::{ClientConfig, client::Resumption, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

use crate::Invalid;

/// A connection, as its URL wants it.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How all connections of a process speak TLS. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// With the authorities in `pem` to trust, or else those of the system.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn new(pem: Option<&str>) -> Result<Self, Invalid> {
        let trust = outbound::Tls { authorities: pem.map(|pem| pem.as_bytes().to_vec()), identity: None };
        let mut config = outbound::client_config(Some(&trust)).map_err(|error| Invalid(error.to_string()))?;
        // Each client is somebody else, who was never here before: nobody saves a part of the handshake.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands with `host`.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<Stream> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await?;
        Ok(Either::Right(Box::new(stream)))
    }
}

/// What stands in the list of errors for `error`, if TLS has failed.
pub(crate) fn word(error: &io::Error) -> Option<&'static str> {
    let failure = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(match failure {
        rustls::Error::InvalidCertificate(_) => "certificate_not_trusted",
        _ => "tls",
    })
}
