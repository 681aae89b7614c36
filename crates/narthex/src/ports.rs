//! The listeners, bound before anything else: a taken port is told at once, and port 0 becomes a number.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{
    config::{Config, Role},
    console,
    failure::Failure,
};

/// Where this process can be reached.
#[derive(Debug)]
pub(crate) struct Ports {
    /// For clients.
    pub(crate) public: Option<(TcpListener, SocketAddr)>,
    /// For health and metrics.
    pub(crate) admin: (TcpListener, SocketAddr),
}

impl Ports {
    /// Takes the ports that `role` needs.
    pub(crate) async fn bind(role: Role, config: &Config) -> Result<Self, Failure> {
        let public = match role.is_gateway() {
            true => Some(bind(config.listen, "--listen").await?),
            false => None,
        };
        Ok(Self { public, admin: bind(config.admin_listen, "--admin-listen").await? })
    }

    /// Prints where they are: one line each, for scripts that let the system choose the port.
    pub(crate) fn announce(&self) {
        if let Some((_, address)) = &self.public {
            console::say(&format!("listen http://{address}\n"));
        }
        console::say(&format!("admin http://{}\n", self.admin.1));
    }
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
