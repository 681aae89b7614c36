//! What a role cannot start with, though each setting by itself is fine.

use std::{net::SocketAddr, sync::Arc};

use guard::Guard;

use super::{Auth, AuthMode, BrokerUrl, Config, EngineKind, Header, Issuer, ServerTls, TokenKey, Upstream};
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
        complaints.extend(self.traces.check());
        complaints.extend(Header::check("metrics.headers", &self.metrics.headers));
        if role.is_gateway() {
            complaints.extend(self.check_auth(role));
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

    fn check_broker(&self, role: Role) -> Vec<String> {
        match &self.broker {
            BrokerUrl::Memory if role != Role::Dev => vec![format!(
                "a separate {} cannot use the memory broker, which lives inside one process: \
                 set --broker redis://host:6379, or run `narthex dev`, which is gateway and worker in one",
                role.name()
            )],
            BrokerUrl::Kafka(url) => self.kafka.check(url),
            BrokerUrl::Memory | BrokerUrl::Redis(_) => Vec::new(),
        }
    }

    fn check_auth(&self, role: Role) -> Vec<String> {
        let auth = &self.auth;
        let mut complaints = auth.check();
        let knows_nobody = match (auth.mode, auth.source()) {
            (Some(AuthMode::None), Some(source)) => {
                complaints.push(format!("auth.mode is `none`, but {source} is set: remove one of the two"));
                false
            }
            (None | Some(AuthMode::Required), Some(_)) => false,
            (Some(AuthMode::None), None) => true,
            // To try it, with nothing set.
            (None, None) if role == Role::Dev => true,
            (None | Some(AuthMode::Required), None) => {
                complaints.push(
                    "a gateway must know its callers: set auth.keys.file (`narthex keys make` makes a key) or [[auth.jwt]]; or, \
                     for a trial on this machine, --auth none"
                        .to_owned(),
                );
                false
            }
        };
        if knows_nobody && !is_loopback(self.listen) && !auth.allow_none_beyond_loopback {
            complaints.push(format!(
                "on {} anyone could use the models without authentication (auth.mode is `none`): set auth.keys.file or \
                 [[auth.jwt]], listen on 127.0.0.1, or, for a trial behind a boundary of its own, set \
                 auth.allow_none_beyond_loopback = true (--insecure-allow-remote-none)",
                self.listen
            ));
        }
        complaints
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

impl Auth {
    /// The setting that names callers, if there is one.
    pub(crate) fn source(&self) -> Option<&'static str> {
        let keys = self.keys_file.is_some().then_some("auth.keys.file");
        keys.or_else(|| (!self.jwt.is_empty()).then_some("[[auth.jwt]]"))
    }

    fn check(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let keys = [("key", &self.client_secrets_key), ("previous_key", &self.client_secrets_previous_key)];
        complaints.extend(
            keys.into_iter()
                .filter(|(_, key)| is_double(key))
                .map(|(name, _)| format!("auth.client_secrets has both {name} and {name}_file: keep one")),
        );
        if self.client_secrets_previous_key.is_set() && !self.client_secrets_key.is_set() {
            complaints.push(
                "auth.client_secrets has a previous_key, but no key: set the key that signs now".to_owned(),
            );
        }
        if self.client_secrets_key.is_set() && self.source().is_none() {
            complaints.push(
                "auth.client_secrets is set, but nobody could make one: set auth.keys.file or [[auth.jwt]] too".to_owned(),
            );
        }
        complaints.extend(self.jwt.iter().enumerate().flat_map(|(index, issuer)| issuer.check(index)));
        complaints
    }
}

const fn is_double(key: &TokenKey) -> bool {
    key.text.is_some() && key.file.is_some()
}

impl Issuer {
    fn check(&self, index: usize) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.issuer.is_empty() {
            complaints.push(format!(
                "auth.jwt.{index}.issuer must be what the tokens say in `iss`, such as `https://login.example.com/`"
            ));
        }
        if self.audience.is_empty() {
            complaints.push(format!(
                "auth.jwt.{index}.audience must be what the tokens say in `aud`: without it tokens for other services would \
                 count here"
            ));
        }
        let keys = [
            self.jwks_url.is_some(),
            self.key_file.is_some(),
            self.secret.text.is_some(),
            self.secret.file.is_some(),
        ];
        if keys.into_iter().filter(|given| *given).count() > 1 {
            complaints.push(format!(
                "auth.jwt.{index} has more than one of jwks_url, key_file, secret and secret_file: keep one, or none for discovery"
            ));
        }
        complaints
    }
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
        complaints.extend(self.api_key.check(&format!("upstream.{index}"), "api_key"));
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
