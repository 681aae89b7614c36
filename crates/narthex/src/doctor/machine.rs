//! What this machine allows: addresses, open files, memory.

use std::net::SocketAddr;

use broker::Finding;

use crate::{
    config::{Config, Role},
    health, memory, open_files, ports,
};

/// Whether the addresses can be taken. Those of a process that runs with these settings are as they should be.
pub(super) async fn addresses(config: &Config, role: Role) -> Vec<Finding> {
    let mut findings = Vec::new();
    let runs = health::ask(&health::local(config.admin_listen)).await.is_ok();
    if role.is_gateway() {
        findings.push(address("listen", config.listen, runs).await);
    }
    findings.push(address("admin_listen", config.admin_listen, runs).await);
    findings
}

async fn address(setting: &str, address: SocketAddr, runs: bool) -> Finding {
    match ports::try_bind(address, setting).await {
        Ok(()) => Finding::fine(setting, format!("{address} is free")),
        Err(_) if runs => {
            Finding::fine(setting, format!("{address} is in use, as a narthex runs here and is ready"))
        }
        Err(failure) => Finding::problem(setting, failure.to_string()),
    }
}

/// How many clients there is room for.
pub(super) fn limits(config: &Config) -> Vec<Finding> {
    let limits = &config.gateway.limits;
    vec![open_files::examine(limits.max_connections), memory::examine(limits.max_memory)]
}
