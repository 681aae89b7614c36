//! How this process reaches servers by HTTP: model servers, and those that tell the keys of tokens.
//!
//! One [`Connector`] for all of them: TCP without delay, TLS where the URL says so, and one bound on the time of all of it.

mod advice;
mod connector;

pub use advice::advice;
pub use connector::{BoxError, Connector, Stream, Tls, TlsError, client_config};

/// Whether `host`, as it stands in a URL, is this machine: what is sent there crosses no network.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
