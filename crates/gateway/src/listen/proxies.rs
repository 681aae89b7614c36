//! Proxies in front of the gateway: what they say of their clients counts, and what anybody else says does not.

use std::net::IpAddr;

use hyper::{HeaderMap, header::HeaderName};
use ipnet::IpNet;
use rfc7239::{Forwarded, NodeName, parse};

use super::Peer;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who stands in front of this gateway, and how it speaks of its clients.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// The proxies' addresses. What comes from others is believed nothing.
    pub addresses: Vec<IpNet>,
    /// Where they say for whom they ask.
    pub header: ForwardedHeader,
}

/// The header that the proxies write. Only one is read: a proxy that writes one of them passes the other on as the client
/// has made it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`, as most proxies do.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Who asks, as far as the network tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// Whether nobody on the way could read along.
    pub(crate) is_private: bool,
    /// Whether its connection is a proxy's.
    pub(crate) is_behind_proxy: bool,
}

impl Proxies {
    /// Who is behind `peer`.
    pub(crate) fn client(&self, peer: &Peer, headers: &HeaderMap) -> Client {
        let address = peer.address.ip().to_canonical();
        if !self.is_proxy(address) {
            let is_private = peer.is_encrypted || address.is_loopback();
            return Client { address, is_private, is_behind_proxy: false };
        }
        let (hops, is_private) = match self.header {
            ForwardedHeader::XForwarded => (x_forwarded_for(headers), x_forwarded_https(headers)),
            ForwardedHeader::Forwarded => forwarded(headers),
        };
        // Each proxy adds who asked it at the end, so the client is the last that is no proxy; what stands before it, the client
        // may have made up. Where there is no address, the way back ends.
        let mut client = address;
        for hop in hops.into_iter().rev().map_while(|hop| hop) {
            client = hop;
            if !self.is_proxy(hop) {
                break;
            }
        }
        Client { address: client, is_private, is_behind_proxy: true }
    }

    /// Whether `address` is a proxy's.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|net| net.contains(&address))
    }
}

/// The addresses in all such headers, in their order; `None` for what is none.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    values(headers, &X_FORWARDED_FOR).iter().flat_map(|value| value.split(',')).map(address).collect()
}

/// Whether the client's own way to the first proxy is encrypted.
fn x_forwarded_https(headers: &HeaderMap) -> bool {
    let values = values(headers, &X_FORWARDED_PROTO);
    values.iter().flat_map(|value| value.split(',')).next().is_some_and(is_https)
}

/// Both of that, from `Forwarded`.
fn forwarded(headers: &HeaderMap) -> (Vec<Option<IpAddr>>, bool) {
    let values = values(headers, &FORWARDED);
    let elements: Vec<_> = values.iter().flat_map(|value| parse(value)).collect();
    let address =
        |element: &Result<Forwarded<'_>, _>| match element.as_ref().ok()?.forwarded_for.as_ref()?.name {
            NodeName::Ip(address) => Some(address.to_canonical()),
            _ => None,
        };
    let protocol = |element: &Result<Forwarded<'_>, _>| element.as_ref().ok()?.protocol.map(is_https);
    (elements.iter().map(address).collect(), elements.first().and_then(protocol).unwrap_or_default())
}

fn is_https(protocol: &str) -> bool {
    let protocol = protocol.trim().trim_matches('"');
    protocol.eq_ignore_ascii_case("https") || protocol.eq_ignore_ascii_case("wss")
}

/// What such headers say. Not every byte need be text: a client that makes up some that are not must not hide what comes
/// after them.
fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    headers
        .get_all(name)
        .into_iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

/// An address, with or without brackets and a port: proxies differ.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let ip = text.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    ip.or_else(with_port).or_else(in_brackets).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
