//! The listeners, bound before anything else: a taken port is told at once, and port 0 becomes a number.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpListener;

use crate::{
    config::{Config, Role},
    console,
    failure::Failure,
    tls::Certificates,
};

/// Where this process can be reached.
#[derive(Debug)]
pub(crate) struct Ports {
    /// For clients.
    pub(crate) public: Option<Public>,
    /// For health and metrics.
    pub(crate) admin: (TcpListener, SocketAddr),
}

/// The public listener.
#[derive(Debug)]
pub(crate) struct Public {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    /// With what it speaks TLS; without it, it does not.
    pub(crate) certificates: Option<Certificates>,
}

impl Ports {
    /// Takes the ports that `role` needs.
    pub(crate) async fn bind(role: Role, config: &Config) -> Result<Self, Failure> {
        let public = match role.is_gateway() {
            true => {
                let certificates = Certificates::read(&config.tls)?;
                let (listener, address) = bind(config.listen, "--listen").await?;
                let_go_of_the_deaf(&listener, config.gateway.idle_timeout);
                Some(Public { listener, address, certificates })
            }
            false => None,
        };
        Ok(Self { public, admin: bind(config.admin_listen, "--admin-listen").await? })
    }

    /// Prints where they are: one line each, for scripts that let the system choose the port.
    pub(crate) fn announce(&self) {
        if let Some(public) = &self.public {
            console::say(&format!("listen {}://{}\n", public.scheme(), public.address));
        }
        console::say(&format!("admin http://{}\n", self.admin.1));
    }
}

/// Connections of this listener end when their client is gone, or has taken nothing of what waits for it, for so long. Of a
/// WebSocket the gateway's pings tell; of a stream of events nobody but the system knows.
fn let_go_of_the_deaf(listener: &TcpListener, patience: Duration) {
    let socket = SockRef::from(listener);
    let keepalive = TcpKeepalive::new().with_time(patience);
    let set = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let set = set.and_then(|()| socket.set_tcp_user_timeout(Some(patience)));
    if let Err(error) = set {
        tracing::warn!(%error, "clients that do not read may hold their connections");
    }
}

impl Public {
    /// What its addresses begin with.
    pub(crate) const fn scheme(&self) -> &'static str {
        if self.certificates.is_some() { "https" } else { "http" }
    }
}

/// Whether this address could be taken: takes it, and lets it go.
pub(crate) async fn try_bind(address: SocketAddr, setting: &str) -> Result<(), Failure> {
    bind(address, setting).await.map(drop)
}

async fn bind(address: SocketAddr, flag: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = match TcpListener::bind(address).await {
        Ok(listener) => listener.local_addr().map(|local| (listener, local)),
        Err(error) => Err(error),
    };
    bound.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program uses this port: stop it, or choose another port".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => {
                "this machine does not have this address: choose one it has".to_owned()
            }
            io::ErrorKind::PermissionDenied => {
                "this user may not use this port: choose one from 1024 on".to_owned()
            }
            _ => format!("{error}: choose another address"),
        };
        Failure::run_time(format!("cannot listen on {address}: {why} with {flag} (0 takes a free one)"))
    })
}
