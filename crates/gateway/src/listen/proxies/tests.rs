//! What proxies say counts, and what clients make up does not.

use std::sync::Arc;

use hyper::header::HeaderValue;

use super::*;
use crate::{
    Limits,
    limit::{Crowd, Entry},
};

fn proxies(header: ForwardedHeader) -> Proxies {
    Proxies { addresses: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()], header }
}

fn client(proxies: &Proxies, peer: &str, headers: &[(HeaderName, &[u8])]) -> (String, bool) {
    let Entry::Serve(seat) = Crowd::new(&Limits::default()).enter(None) else { panic!("no room") };
    let address = format!("{peer}:1").parse().unwrap();
    let peer = Peer { address, is_encrypted: false, refusal: None, seat: Arc::new(seat) };
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    let Client { address, is_private, .. } = proxies.client(&peer, &map);
    (address.to_string(), is_private)
}

#[test]
fn nobody_but_a_proxy_is_believed() {
    let headers: [(_, &[u8]); 3] = [
        (X_FORWARDED_FOR, b"1.2.3.4"),
        (X_FORWARDED_PROTO, b"https"),
        (FORWARDED, b"for=1.2.3.4;proto=https"),
    ];
    for header in [ForwardedHeader::XForwarded, ForwardedHeader::Forwarded] {
        assert_eq!(client(&proxies(header), "192.0.2.1", &headers), ("192.0.2.1".into(), false));
        assert_eq!(client(&proxies(header), "10.0.0.1", &headers), ("1.2.3.4".into(), true));
        // The same network, as IPv6 sockets see it.
        assert_eq!(client(&proxies(header), "[::ffff:10.0.0.1]", &headers), ("1.2.3.4".into(), true));
    }
}

#[test]
fn the_header_that_the_proxy_does_not_write_is_not_read() {
    let made_up = (FORWARDED, b"for=1.2.3.4;proto=https".as_slice());
    let written = (X_FORWARDED_FOR, b"5.6.7.8".as_slice());
    let read = client(&proxies(ForwardedHeader::XForwarded), "10.0.0.1", &[made_up, written]);
    assert_eq!(read, ("5.6.7.8".into(), false));
}

#[test]
fn a_client_is_the_last_that_is_no_proxy() {
    let read = |value: &[u8]| {
        client(&proxies(ForwardedHeader::XForwarded), "10.0.0.1", &[(X_FORWARDED_FOR, value)]).0
    };
    assert_eq!(read(b"1.1.1.1, 2.2.2.2, 10.0.0.2"), "2.2.2.2");
    assert_eq!(read(b"10.0.0.3,10.0.0.2"), "10.0.0.3");
    assert_eq!(read(b"1.1.1.1, unknown, 10.0.0.2"), "10.0.0.2");
    assert_eq!(read(b"unknown"), "10.0.0.1");
    assert_eq!(read(b"\xff, 2.2.2.2"), "2.2.2.2");
    assert_eq!(read(b"2.2.2.2:443"), "2.2.2.2");
    assert_eq!(read(b"[2001:db8::1]:443"), "2001:db8::1");
    assert_eq!(read(b"[2001:db8::1]"), "2001:db8::1");
}

#[test]
fn several_headers_are_one_list() {
    let headers: [(_, &[u8]); 2] = [(X_FORWARDED_FOR, b"1.1.1.1"), (X_FORWARDED_FOR, b"2.2.2.2")];
    assert_eq!(client(&proxies(ForwardedHeader::XForwarded), "10.0.0.1", &headers).0, "2.2.2.2");
}

#[test]
fn forwarded_is_read_as_its_standard_says() {
    let read =
        |value: &[u8]| client(&proxies(ForwardedHeader::Forwarded), "[fd00::1]", &[(FORWARDED, value)]);
    assert_eq!(read(b"For=\"[2001:db8:cafe::17]:4711\";proto=HTTPS"), ("2001:db8:cafe::17".into(), true));
    assert_eq!(read(b"for=1.1.1.1;proto=http, for=10.0.0.2;proto=https"), ("1.1.1.1".into(), false));
    assert_eq!(read(b"for=\"1.1.1.1, for=2.2.2.2;proto=https"), ("2.2.2.2".into(), false));
    assert_eq!(read(b"for=_hidden;proto=https"), ("fd00::1".into(), true));
}
