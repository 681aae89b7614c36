//! Where servers are, and from where they are connected to.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use hyper::Uri;
use tokio::net::{TcpSocket, TcpStream};
use tokio_util::either::Either;

use crate::{
    Dialect, Invalid,
    tls::{Stream, Tls},
};

/// Clients that share an address: fewer than a gateway lets in from one by default, and far fewer than there are ports.
const CLIENTS_PER_ADDRESS: usize = 500;

/// A server.
#[derive(Debug)]
pub(crate) struct Target {
    /// `host:port`, as in the header `Host`.
    pub(crate) authority: String,
    /// Where the dialect is spoken.
    pub(crate) path: String,
    host: String,
    port: u16,
    tls: Option<Tls>,
}

impl Target {
    /// The server at `url`, with `tls` if that is to be spoken.
    ///
    /// # Errors
    /// When that is no URL of a server, or nobody can be trusted.
    pub(crate) fn parse(
        url: &str,
        dialect: Dialect,
        tls: impl FnOnce() -> Result<Tls, Invalid>,
    ) -> Result<Self, Invalid> {
        let help = |what: &str| Invalid(format!("{url}: {what}; write http://host:port/v1"));
        let uri: Uri = url.parse().map_err(|_| help("that is no URL"))?;
        let (is_secure, port) = match uri.scheme_str() {
            Some("http" | "ws") => (false, 80),
            Some("https" | "wss") => (true, 443),
            _ => return Err(help("only http, https, ws and wss are spoken")),
        };
        let authority = uri.authority().ok_or_else(|| help("there is no host in it"))?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let path = uri.path().trim_end_matches('/').trim_end_matches(dialect.path());
        Ok(Self {
            authority: authority.to_string(),
            path: format!("{path}{}", dialect.path()),
            host,
            port: authority.port_u16().unwrap_or(port),
            tls: is_secure.then(tls).transpose()?,
        })
    }

    /// Connects client `number` of process `part`.
    pub(crate) async fn connect(&self, number: usize, part: usize) -> io::Result<Stream> {
        let stream = match self.host.parse() {
            Ok(IpAddr::V4(ip)) if ip.is_loopback() => {
                let socket = TcpSocket::new_v4()?;
                // Where only 127.0.0.1 is configured, it has to do.
                let _ = socket.bind(SocketAddr::new(loopback(number / CLIENTS_PER_ADDRESS, part).into(), 0));
                socket.connect(SocketAddr::new(ip.into(), self.port)).await?
            }
            _ => TcpStream::connect((self.host.as_str(), self.port)).await?,
        };
        stream.set_nodelay(true)?;
        match &self.tls {
            Some(tls) => tls.connect(&self.host, stream).await,
            None => Ok(Either::Left(stream)),
        }
    }
}

/// Address `index` of process `part` on this machine.
fn loopback(index: usize, part: usize) -> Ipv4Addr {
    let byte = |number: usize| (number % 250) as u8 + 1;
    Ipv4Addr::new(127, byte(part), byte(index / 250), byte(index))
}

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::{Dialect, tls::Tls};

    #[test]
    fn a_url_leads_to_where_the_dialect_is_spoken() {
        let trusted = testkit::certificates::Authority::new().pem();
        let parse = |url, dialect| Target::parse(url, dialect, || Tls::new(Some(&trusted)));
        let at = |url, dialect| parse(url, dialect).unwrap();
        let target = at("http://127.0.0.1:8080/v1", Dialect::Sse);
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("127.0.0.1:8080", "/v1/responses"));
        assert_eq!(at("ws://[::1]:9/v1/responses", Dialect::Websocket).path, "/v1/responses");
        assert_eq!(at("http://model/v1/", Dialect::Chat).path, "/v1/chat/completions");
        assert_eq!(at("ws://127.0.0.1:8000/ws", Dialect::Peer).path, "/ws");
        let secure = at("wss://secure/v1", Dialect::Json);
        assert_eq!((&*secure.path, secure.port, secure.tls.is_some()), ("/v1/responses", 443, true));
        for url in ["ftp://elsewhere/v1", "127.0.0.1:80", "nonsense"] {
            assert!(parse(url, Dialect::Sse).is_err(), "{url}");
        }
    }
}
