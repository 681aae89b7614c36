//! Where connections come from, and what is known of a client before it has asked anything: its address, and whether what it
//! says is encrypted on its way.

mod accept;
mod proxies;
mod tls;

pub use accept::Accept;
pub use proxies::{ForwardedHeader, Proxies};
pub use tls::Tls;

pub(crate) use proxies::Client;

use std::{net::SocketAddr, sync::Arc};

use protocol::ApiError;

use crate::limit::Seat;

/// The other end of a connection: a client, or a proxy in front of many.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether the connection speaks TLS.
    pub(crate) is_encrypted: bool,
    /// Why nothing is answered but this.
    pub(crate) refusal: Option<ApiError>,
    /// Its place among all connections, which a WebSocket takes along.
    pub(crate) seat: Arc<Seat>,
}
