//! What a role cannot start with, though each setting by itself is fine.

use std::{net::SocketAddr, sync::Arc};

use guard::Guard;

use super::{AuthMode, BrokerUrl, Config, EngineKind, Kafka, ServerTls, Upstream};
use crate::failure::Failure;

/// What this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Everything.
    Dev,
    /// The edge.
    Gateway,
    /// The producer.
    Worker,
}

impl Role {
    /// The role's name, as it stands on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Gateway => "gateway",
            Self::Worker => "worker",
        }
    }

    /// Whether it has a public listener.
    pub(crate) const fn is_gateway(self) -> bool {
        matches!(self, Self::Dev | Self::Gateway)
    }

    /// Whether it calls model servers.
    pub(crate) const fn is_worker(self) -> bool {
        matches!(self, Self::Dev | Self::Worker)
    }
}

impl Config {
    /// This configuration as `role` starts with it, or why it cannot.
    pub(crate) fn for_role(mut self, role: Role) -> Result<Self, Failure> {
        if role == Role::Dev && self.upstream.is_empty() {
            self.upstream.push(Upstream { engine: EngineKind::Demo, ..Upstream::default() });
        }
        let mut complaints = self.check(role);
        if role.is_worker() {
            match Guard::build(&self.guard) {
                Ok(guard) => self.worker.guard = guard.map(Arc::new),
                Err(error) => complaints.push(format!("worker.guard cannot be used: {error}")),
            }
        }
        if complaints.is_empty() { Ok(self) } else { Err(Failure::configurations(complaints)) }
    }

    fn check(&self, role: Role) -> Vec<String> {
        let mut complaints = Vec::new();
        complaints.extend(self.check_broker(role));
        if role.is_gateway() {
            complaints.extend(self.check_auth());
            complaints.extend(self.check_tls());
            complaints.extend(self.check_heartbeat());
        }
        if role.is_worker() {
            if self.upstream.is_empty() {
                complaints.push(
                    "there is no model server to work for: give one with --upstream URL, several as [[upstream]] in \
                     the file, or `--upstream demo` for the built-in model"
                        .to_owned(),
                );
            }
            let each = self.upstream.iter().enumerate();
            complaints.extend(each.flat_map(|(index, upstream)| upstream.check(index)));
        }
        complaints
    }

    fn check_broker(&self, role: Role) -> Option<String> {
        match &self.broker {
            BrokerUrl::Memory if role != Role::Dev => Some(format!(
                "a separate {} cannot use the memory broker, which lives inside one process: \
                 set --broker redis://host:6379, or run `narthex dev`, which is gateway and worker in one",
                role.name()
            )),
            BrokerUrl::Kafka(url) => Kafka::check(url),
            BrokerUrl::Memory | BrokerUrl::Redis(_) => None,
        }
    }

    fn check_auth(&self) -> Option<String> {
        let AuthMode::None = self.auth.mode;
        let open = !is_loopback(self.listen) && !self.auth.allow_none_beyond_loopback;
        open.then(|| {
            format!(
                "on {} anyone could use the models without authentication (auth.mode is `none`): listen on \
                 127.0.0.1, or, for a trial behind a boundary of its own, set \
                 auth.allow_none_beyond_loopback = true (--insecure-allow-remote-none)",
                self.listen
            )
        })
    }

    fn check_tls(&self) -> Option<String> {
        let ServerTls { certificate_file, key_file, client_authorities_file } = &self.tls;
        if certificate_file.is_some() != key_file.is_some() {
            return Some(
                "tls.certificate_file and tls.key_file go together: set both, or neither".to_owned(),
            );
        }
        if certificate_file.is_none() && client_authorities_file.is_some() {
            return Some(
                "tls.client_authorities_file asks clients for certificates, which takes TLS: set tls.certificate_file and \
                 tls.key_file, too"
                    .to_owned(),
            );
        }
        let gateway::Config { proxies, allow_plain, .. } = &self.gateway;
        let is_guarded = certificate_file.is_some() || !proxies.addresses.is_empty();
        let open = !is_loopback(self.listen) && !is_guarded && !allow_plain;
        open.then(|| {
            format!(
                "on {} keys and answers could be read on their way: set tls.certificate_file and tls.key_file; or, behind a \
                 proxy that ends TLS, proxy.addresses to where it is; or, for a trial on a network of its own, \
                 tls.allow_plain_beyond_loopback = true (--insecure-allow-remote-plain)",
                self.listen
            )
        })
    }

    fn check_heartbeat(&self) -> Option<String> {
        let gateway::Config { ping_interval, idle_timeout, .. } = self.gateway;
        (idle_timeout <= ping_interval).then(|| {
            "gateway.idle_timeout must be longer than gateway.ping_interval: a client that is only silent would be \
             closed before it is asked whether it is there"
                .to_owned()
        })
    }
}

/// Whether only this machine can reach `address`, written as IPv4, IPv6 or the one in the other.
fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl Upstream {
    fn check(&self, index: usize) -> Vec<String> {
        let mut complaints = Vec::new();
        let has_place = self.engine != EngineKind::Demo;
        if has_place && !is_http(&self.server.base_url) {
            complaints.push(format!(
                "upstream.{index}.url must be where the model server is, such as `http://localhost:11434/v1`"
            ));
        }
        if !has_place && !self.server.base_url.is_empty() {
            complaints.push(format!(
                "upstream.{index} has a url, but its engine is `demo`, which calls nobody: remove one of the two"
            ));
        }
        let keys = [self.server.api_key.is_some(), self.api_key_env.is_some(), self.api_key_file.is_some()];
        if keys.into_iter().filter(|given| *given).count() > 1 {
            complaints.push(format!(
                "upstream.{index} has more than one of api_key, api_key_env and api_key_file: keep one"
            ));
        }
        let nameless = self.models.iter().enumerate().filter(|(_, model)| model.name.is_empty());
        complaints
            .extend(nameless.map(|(n, _)| format!("upstream.{index}.models.{n} has no `name`: give it one")));
        let valueless =
            self.headers.iter().enumerate().filter(|(_, h)| h.name.is_empty() || h.value.is_none());
        complaints.extend(
            valueless.map(|(n, _)| format!("upstream.{index}.headers.{n} needs both a `name` and a `value`")),
        );
        complaints
    }
}

fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|place| !place.is_empty() && !place.starts_with('/'))
}
