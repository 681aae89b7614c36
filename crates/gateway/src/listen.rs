//! Where connections come from, and what is known of a client before it has asked anything: its address, and whether what it
//! says is encrypted on its way.

mod accept;
mod proxies;
mod tls;

pub use accept::Accept;
pub use proxies::{ForwardedHeader, Proxies};
pub use tls::Tls;

use std::net::SocketAddr;

/// The other end of a connection: a client, or a proxy in front of many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether the connection speaks TLS.
    pub(crate) is_encrypted: bool,
}
